/** The control protocol over Odoo's XML-RPC. */
import { Agent } from "node:http"
import { Agent as SecureAgent } from "node:https"
import xmlrpc from "xmlrpc"
import type { z } from "zod"
import type { TenantId, TenantStatus } from "../domain/tenant.ts"
import type { OperationKind } from "./port.ts"
import {
  type Claim,
  type ClaimRequest,
  type HelloAnswer,
  type HelloInfo,
  type MasterPort,
  MasterRefused,
  MasterUnavailable,
  type Outcome,
  type RenewAnswer,
  type Renewal,
  type StepReport,
  type TenantSummary,
  type UsageSample,
} from "./port.ts"
import { answers, fromWire, toWire } from "./wire.ts"

export interface MasterAddress {
  /** Without a path: `http://127.0.0.1:8069`, or `unix:/…` for a Unix socket. */
  readonly url: string
  readonly database: string
  readonly login: string
  readonly password: string
}

/** Odoo's own numbers (addons/rpc/controllers/xmlrpc.py). */
const applicationError = 1
const accessDenied = 3

/** An answer of `saas.control` takes milliseconds; one that takes so long is not coming. */
const defaultTimeoutMs = 20_000

export class XmlRpcMaster implements MasterPort {
  readonly #address: MasterAddress
  readonly #timeoutMs: number
  readonly #agent: Agent
  #uid: Promise<number> | null = null

  constructor(address: MasterAddress, timeoutMs = defaultTimeoutMs) {
    this.#address = address
    this.#timeoutMs = timeoutMs
    const options = { keepAlive: true, maxSockets: 16 }
    this.#agent = address.url.startsWith("https:") ? new SecureAgent(options) : new Agent(options)
  }

  async hello(info: HelloInfo): Promise<HelloAnswer> {
    return await this.#control("hello", { info }, answers.hello)
  }

  async claim(request: ClaimRequest): Promise<readonly Claim[]> {
    const { leaseSeconds, ...rest } = request
    return await this.#control("claim", { ...rest, leaseS: leaseSeconds }, answers.claims)
  }

  async renew(leases: readonly Renewal[], leaseSeconds: number): Promise<RenewAnswer> {
    return await this.#control("renew", { leases, leaseS: leaseSeconds }, answers.renewed)
  }

  async report(renewal: Renewal, steps: readonly StepReport[], status: TenantStatus | null): Promise<boolean> {
    return (await this.#control("report", { ...renewal, steps, status }, answers.ok)).ok
  }

  async finish(
    renewal: Renewal,
    outcome: Outcome,
    steps: readonly StepReport[],
    status: TenantStatus | null,
  ): Promise<boolean> {
    return (await this.#control("finish", { ...renewal, outcome, steps, status }, answers.ok)).ok
  }

  async observed(tenant: TenantId, epoch: number, seq: string, status: TenantStatus): Promise<boolean> {
    return (await this.#control("observed", { tenant, epoch, seq, status }, answers.ok)).ok
  }

  async request(tenant: TenantId, kind: OperationKind, reason: string): Promise<boolean> {
    return (await this.#control("request", { tenant, kind, reason }, answers.ok)).ok
  }

  async tenants(targets: readonly string[], only: readonly TenantId[] | null): Promise<readonly TenantSummary[]> {
    return await this.#control("tenants", { targets, only }, answers.tenants)
  }

  async ingestUsage(samples: readonly UsageSample[]): Promise<void> {
    await this.#control("ingest_usage", { samples }, answers.ok)
  }

  close(): void {
    this.#agent.destroy()
  }

  async #control<T extends z.ZodType>(method: string, kwargs: object, answer: T): Promise<z.output<T>> {
    const value = await this.#execute(method, toWire(kwargs))
    const parsed = answer.safeParse(fromWire(value))
    if (parsed.success) return parsed.data
    const [issue] = parsed.error.issues
    throw new MasterRefused(
      `The master's answer to ${method} is not understood at ${issue?.path.join(".") || "its root"}: ` +
        `${issue?.message}. Install the versions of sidecar and saas_master that belong together.`,
    )
  }

  async #execute(method: string, kwargs: unknown, again = true): Promise<unknown> {
    const { database, password } = this.#address
    const uid = await this.#signedOn()
    try {
      return await this.#call("object", "execute_kw", [database, uid, password, "saas.control", method, [], kwargs])
    } catch (error) {
      if (!isFault(error) || error.faultCode !== accessDenied) throw this.#explain(error)
      // The user may have been made anew, with another number: sign on once more before giving up.
      this.#uid = null
      if (again) return await this.#execute(method, kwargs, false)
      throw this.#explain(error)
    }
  }

  async #signedOn(): Promise<number> {
    this.#uid ??= this.#signOn()
    try {
      return await this.#uid
    } catch (error) {
      this.#uid = null
      throw this.#explain(error)
    }
  }

  async #signOn(): Promise<number> {
    const { database, login, password } = this.#address
    const uid = await this.#call("common", "authenticate", [database, login, password, {}])
    if (typeof uid === "number") return uid
    throw new MasterRefused(
      `The master does not let ${login} sign on to database ${database}. Check MASTER_LOGIN and MASTER_PASSWORD_FILE.`,
    )
  }

  async #call(service: "common" | "object", method: string, params: readonly unknown[]): Promise<unknown> {
    const { origin, ...socket } = placeOf(this.#address.url)
    const url = new URL(`/xmlrpc/2/${service}`, origin).href
    const signal = AbortSignal.timeout(this.#timeoutMs)
    const options = { url, ...socket, agent: this.#agent, signal }
    const client = url.startsWith("https:") ? xmlrpc.createSecureClient(options) : xmlrpc.createClient(options)
    return await new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(new Error(`no answer in ${this.#timeoutMs / 1000} s`)), {
        once: true,
      })
      client.methodCall(method, params, (error, value) => (error ? reject(error) : resolve(value)))
    })
  }

  #explain(error: unknown): Error {
    if (error instanceof MasterRefused || error instanceof MasterUnavailable) return error
    if (!isFault(error)) {
      const reason = error instanceof Error ? describe(error) : String(error)
      return new MasterUnavailable(`The master at ${this.#address.url} does not answer: ${reason}.`)
    }
    if (error.faultCode !== applicationError) return new MasterRefused(error.faultString.trim())
    const sentence = errorOf(error.faultString)
    return isPassing(sentence)
      ? new MasterUnavailable(`The master is not able to answer right now: ${sentence}`)
      : new MasterRefused(`The master failed: ${sentence}`)
  }
}

/** The options of a request that lead there. */
function placeOf(url: string): { readonly origin: string; readonly socketPath?: string } {
  return url.startsWith("unix:")
    ? { origin: "http://localhost", socketPath: url.slice("unix:".length) }
    : { origin: url }
}

interface Fault {
  readonly faultCode: number
  readonly faultString: string
}

function isFault(error: unknown): error is Fault {
  return error instanceof Error && "faultCode" in error && "faultString" in error
}

function describe(error: Error): string {
  const code = "code" in error && typeof error.code === "string" ? error.code : ""
  // A refused connection to `localhost` is an AggregateError with an empty message.
  return error.message || code || error.name
}

/** Of a traceback only the error itself is for people: the first line behind the frames of the last one. */
function errorOf(traceback: string): string {
  const lines = traceback.split("\n")
  const start = lines.findLastIndex((line) => line.startsWith("Traceback ")) + 1
  const error = lines.slice(start).find((line) => /^\S/.test(line))
  return error?.trim() ?? "no reason was given"
}

/** What Odoo raises while its own PostgreSQL is away or the registry is being loaded; it passes by itself. */
function isPassing(sentence: string): boolean {
  return /^psycopg2\.|PoolError|the connection is closed|connection already closed|database .* does not exist/i.test(
    sentence,
  )
}
