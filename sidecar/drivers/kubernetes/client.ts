/**
 * The API server, in its own words: objects are plain JSON. Of client-node this takes what is hard about it: which
 * cluster, and who we are there.
 */
import { Agent, request as httpsRequest, type RequestOptions } from "node:https"
import { PassThrough, type Writable } from "node:stream"
import { finished } from "node:stream/promises"
import { Exec, type KubeConfig, type V1Status } from "@kubernetes/client-node"
import { RetryableError } from "../../domain/errors.ts"
import { type Kind, type KubeObject, kinds, ourselves } from "./objects/object.ts"
import { Refusal } from "./problems.ts"
import { Rights, type RightsOptions } from "./rights.ts"

export interface Where {
  readonly kind: Kind
  readonly name: string
  readonly namespace?: string | undefined
}

export interface ContainerPlace {
  readonly namespace: string
  readonly pod: string
  readonly container: string
}

export interface Preconditions {
  readonly uid: string
  readonly resourceVersion: string
}

interface Question {
  readonly query?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly type?: string
}

const timeoutMs = 15_000
/** Of a question that costs nobody anything. */
const hearMs = 4_000
/** Tokens in files and of commands are read anew this often. */
const credentialsMs = 60_000

export class Client {
  readonly config: KubeConfig
  readonly #rights: Rights | null
  #credentials: { readonly options: RequestOptions; readonly until: number } | null = null

  /** `rights`: how it comes by those inside a namespace; null where its account has them everywhere. */
  constructor(config: KubeConfig, rights: Omit<RightsOptions, "ask"> | null = null) {
    this.config = config
    this.#rights = rights && new Rights({ ...rights, ask: (...question) => this.#ask(...question) })
  }

  get server(): string {
    return this.config.getCurrentCluster()?.server ?? ""
  }

  /** null where there is none. */
  async get<T extends KubeObject>(where: Where): Promise<T | null> {
    return (await this.ask("GET", pathOf(where)).catch(missingIsNull)) as T | null
  }

  async list<T extends KubeObject>(
    kind: Kind,
    namespace?: string,
    labelSelector = "",
  ): Promise<{ items: T[]; metadata: { resourceVersion: string } }> {
    const query = labelSelector ? { labelSelector } : {}
    return (await this.ask("GET", folderOf(kind, namespace), { query })) as never
  }

  /** Server-side apply as our own field manager: what others have set in fields that we do not name stays. */
  async apply<T extends KubeObject>(object: T): Promise<T> {
    const query = { fieldManager: ourselves, force: "true" }
    const where = { kind: object.kind, name: object.metadata.name, namespace: object.metadata.namespace }
    return (await this.ask("PATCH", pathOf(where), { query, body: object, type: "application/apply-patch+yaml" })) as T
  }

  async merge<T extends KubeObject>(where: Where, change: object): Promise<T> {
    const query = { fieldManager: ourselves }
    return (await this.ask("PATCH", pathOf(where), { query, body: change, type: "application/merge-patch+json" })) as T
  }

  async delete(where: Where, preconditions: Preconditions): Promise<void> {
    await this.ask("DELETE", pathOf(where), { body: { preconditions, propagationPolicy: "Background" } }).catch(
      missingIsNull,
    )
  }

  /** The last lines of a container; "" where it has not started, or why its node cannot be asked. `previous`: of the one before it. */
  async logs(namespace: string, pod: string, container: string, lines: number, previous = false): Promise<string> {
    const query = { container, tailLines: String(lines), previous: String(previous) }
    const answer = await this.ask("GET", `${pathOf({ kind: "Pod", name: pod, namespace })}/log`, { query }).catch(
      (error: unknown) => {
        if (error instanceof Refusal && (error.code === 400 || error.code === 404)) return ""
        // Whoever asks for a log tells of some trouble, and this must not stand in its place.
        if (error instanceof Refusal && error.code >= 500) return `Its log cannot be had: ${error.message}`
        throw error
      },
    )
    return String(answer ?? "")
  }

  /** Runs a command in a container. Throws a RetryableError with its last words where it fails. */
  async exec(where: ContainerPlace, command: readonly string[], stdout: Writable): Promise<void> {
    const { namespace, pod, container } = where
    const stderr = new PassThrough()
    const words: Buffer[] = []
    stderr.on("data", (chunk: Buffer) => words.push(chunk))
    const status = await new Promise<V1Status>((resolve, reject) => {
      new Exec(this.config)
        .exec(namespace, pod, container, [...command], stdout, stderr, null, false, resolve)
        .then((socket) => socket.on("error", reject), reject)
    }).catch((error: Error) => {
      throw new RetryableError(`The pod ${pod} cannot be asked: ${error.message}.`, { cause: error })
    })
    stdout.end()
    await finished(stdout)
    if (status.status !== "Success") {
      const said = Buffer.concat(words).toString("utf8").trim().slice(-500)
      throw new RetryableError(`${command[0]} failed in ${pod}: ${said || status.message}.`)
    }
  }

  /** Resolves when the API server answers; rejects where it does not, soon. */
  async hear(): Promise<void> {
    await this.#ask("GET", "/version", {}, hearMs)
  }

  async post(path: string, body: unknown): Promise<unknown> {
    return await this.ask("POST", path, { body })
  }

  /** Throws a `Refusal` for an answer that is none, a RetryableError where there is no answer. */
  async ask(method: string, path: string, question: Question = {}): Promise<unknown> {
    const work = () => this.#ask(method, path, question)
    return await (this.#rights ? this.#rights.within(path, work) : work())
  }

  async #ask(
    method: string,
    path: string,
    { query = {}, body, type }: Question = {},
    patienceMs = timeoutMs,
  ): Promise<unknown> {
    const credentials = await this.#identify()
    const url = new URL(this.server + path)
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
    const payload = body === undefined ? "" : JSON.stringify(body)
    const headers = {
      ...credentials.headers,
      accept: "application/json",
      ...(payload ? { "content-type": type ?? "application/json", "content-length": Buffer.byteLength(payload) } : {}),
    }
    const { status, text } = await send(
      url,
      { ...credentials, method, headers, signal: AbortSignal.timeout(patienceMs) },
      payload,
    ).catch((error: Error) => {
      throw new RetryableError(`The cluster at ${this.server} does not answer: ${error.message}.`, { cause: error })
    })
    const isJson = text.startsWith("{")
    const answer = isJson ? JSON.parse(text) : text
    if (status < 300) return answer
    const { reason = "", message = text.slice(0, 300) } = isJson ? answer : {}
    throw new Refusal(status, reason, message)
  }

  async #identify(): Promise<RequestOptions> {
    if (this.#credentials && this.#credentials.until > Date.now()) return this.#credentials.options
    const told: RequestOptions = {}
    await this.config.applyToHTTPSOptions(told)
    const { ca, cert, key, rejectUnauthorized, servername } = told
    const given = Object.entries({ ca, cert, key, rejectUnauthorized, servername }).filter(([, value]) => value != null)
    // client-node's own agent shakes hands anew for each request.
    const agent = new Agent({ keepAlive: true, maxSockets: 16, ...Object.fromEntries(given) })
    const options = { agent, headers: told.headers ?? {}, ...(told.auth ? { auth: told.auth } : {}) }
    this.#credentials = { options, until: Date.now() + credentialsMs }
    return options
  }
}

export function folderOf(kind: Kind, namespace?: string): string {
  const { root, plural, namespaced } = kinds[kind]
  return namespaced && namespace ? `${root}/namespaces/${namespace}/${plural}` : `${root}/${plural}`
}

function pathOf({ kind, name, namespace }: Where): string {
  return `${folderOf(kind, namespace)}/${encodeURIComponent(name)}`
}

function missingIsNull(error: unknown): null {
  if (error instanceof Refusal && error.code === 404) return null
  throw error
}

function send(url: URL, options: RequestOptions, payload: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(url, options, (answer) => {
      const chunks: Buffer[] = []
      answer.on("data", (chunk: Buffer) => chunks.push(chunk))
      answer.on("error", reject)
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }))
    })
    request.on("error", reject)
    request.end(payload)
  })
}
