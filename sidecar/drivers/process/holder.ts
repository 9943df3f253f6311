/** Orders to runtime/holder, the small daemon that owns the listening sockets and starts the tenants' Odoos. */
import { spawn } from "node:child_process"
import { mkdir, open } from "node:fs/promises"
import { createConnection, type Socket } from "node:net"
import { join } from "node:path"
import { createInterface, type Interface } from "node:readline"
import { z } from "zod"
import { RetryableError, StaleEpoch } from "../../domain/errors.ts"
import type { TenantId } from "../../domain/tenant.ts"

const refusal = z.object({ ok: z.literal(false), error: z.string(), message: z.string() })
const started = z.object({ ok: z.literal(true), pid: z.number(), started: z.coerce.string(), forked: z.boolean() })
const held = z.object({
  pid: z.number().nullable(),
  started: z.coerce.string().nullable(),
  running: z.boolean(),
  exits: z.array(z.object({ at: z.number(), code: z.number() })),
  holding: z.boolean(),
})
const forkServer = z.object({ pid: z.number(), ready: z.boolean() })
const listed = z.object({
  ok: z.literal(true),
  tenants: z.record(z.string(), held),
  fork_servers: z.record(z.string(), forkServer),
})
const done = z.object({ ok: z.literal(true) })
const missing = z.object({ system_calls: z.string().nullable(), view: z.string().nullable() })
const toldMissing = z.object({ ok: z.literal(true), missing })
const exited = z.object({ event: z.literal("exit"), tenant: z.string() })

export type Held = z.infer<typeof held>
/** Why the machine does not let the holder take it from tenants; null where it does. */
export type Missing = z.infer<typeof missing>
type ForkServer = z.infer<typeof forkServer>

export interface StartOrder {
  readonly tenant: TenantId
  readonly epoch: number
  readonly address: string
  readonly port: number
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly uid: number | null
  readonly gid: number | null
  readonly cgroups: readonly string[]
  readonly nofile: number
  readonly log: string
  /** Folder for its temporary files; null where it sees all of this machine. */
  readonly temporary: string | null
  /** What it needs, wherever that lies. */
  readonly kept: readonly string[]
  /** Name of the fork server that it is forked from where that is ready. */
  readonly fork_server: string
}

export interface WarmOrder {
  readonly name: string
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly log: string
}

export interface Started {
  readonly pid: number
  readonly started: string
  readonly forked: boolean
}

/** It runs already: nothing was started. */
export class RunsAlready extends Error {
  override readonly name = "RunsAlready"
}

/** It carries out one order after the other, each in moments where the machine is not busy. Its end shows by itself. */
const answerTimeoutMs = 120_000
const startTimeoutMs = 60_000

export class Holder {
  readonly #python: string
  readonly #runtime: string
  readonly #folder: string
  #starting: Promise<void> | null = null

  /** `runtime` is where the package `holder` lies; `folder` gets its socket, its state and its log. */
  constructor(python: string, runtime: string, folder: string) {
    this.#python = python
    this.#runtime = runtime
    this.#folder = folder
  }

  get #socket(): string {
    return join(this.#folder, "holder.sock")
  }

  async start(order: StartOrder): Promise<Started> {
    return await this.#ask({ op: "start", ...order }, started)
  }

  async list(): Promise<Readonly<Record<TenantId, Held>>> {
    return (await this.#ask({ op: "list" }, listed)).tenants
  }

  async forkServers(): Promise<Readonly<Record<string, ForkServer>>> {
    return (await this.#ask({ op: "list" }, listed)).fork_servers
  }

  /** Where one of that name is there or on its way, nothing is done. */
  async warm(order: WarmOrder): Promise<void> {
    await this.#ask({ op: "warm", ...order }, done)
  }

  /** Kills every process of a tenant's user, whoever started it. They are gone a moment later. */
  async end(uid: number): Promise<void> {
    await this.#ask({ op: "end", uid }, done)
  }

  async missing(): Promise<Missing> {
    return (await this.#ask({ op: "missing" }, toldMissing)).missing
  }

  async release(tenant: TenantId, epoch: number): Promise<void> {
    await this.#ask({ op: "release", tenant, epoch }, done)
  }

  /** Starts the daemon where it is not there; it outlives us. */
  async ensure(): Promise<void> {
    this.#starting ??= this.#start().finally(() => {
      this.#starting = null
    })
    await this.#starting
  }

  /** `ended` is called for each process that ended, until the signal; `restarted` after every new connection. */
  async watch(ended: (tenant: TenantId) => void, signal: AbortSignal): Promise<void> {
    const connection = await this.#connect()
    const stop = () => connection.destroy()
    signal.addEventListener("abort", stop, { once: true })
    try {
      connection.write(`${JSON.stringify({ op: "watch" })}\n`)
      for await (const line of linesOf(connection)) {
        const event = exited.safeParse(JSON.parse(line))
        if (event.success) ended(event.data.tenant)
      }
    } finally {
      signal.removeEventListener("abort", stop)
      connection.destroy()
    }
  }

  async #ask<T extends z.ZodType>(order: object, schema: T): Promise<z.infer<T>> {
    const connection = await this.#connect()
    try {
      connection.setTimeout(answerTimeoutMs, () => connection.destroy(new Error("it does not answer")))
      connection.write(`${JSON.stringify(order)}\n`)
      for await (const line of linesOf(connection)) return this.#understand(line, schema)
      throw new RetryableError("The holder of the tenants' sockets ended in the middle of an order.")
    } finally {
      connection.destroy()
    }
  }

  #understand<T extends z.ZodType>(line: string, schema: T): z.infer<T> {
    const answer: unknown = JSON.parse(line)
    const refused = refusal.safeParse(answer)
    if (!refused.success) return schema.parse(answer)
    const { error, message } = refused.data
    if (error === "stale_epoch") throw new StaleEpoch(message)
    if (error === "running") throw new RunsAlready(message)
    throw new RetryableError(message)
  }

  async #connect(): Promise<Socket> {
    try {
      return await connectTo(this.#socket)
    } catch {
      await this.ensure()
      return await connectTo(this.#socket)
    }
  }

  async #start(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const log = await open(join(this.#folder, "holder.log"), "a", 0o600)
    try {
      const args = ["-S", "-m", "holder", "--socket", this.#socket, "--state", this.#folder]
      const env = {
        PATH: "/usr/local/bin:/usr/bin:/bin",
        LANG: "C.UTF-8",
        PYTHONPATH: this.#runtime,
        PYTHONDONTWRITEBYTECODE: "1",
      }
      // Where one runs already, the second ends at once, and the first answers.
      spawn(this.#python, args, { detached: true, stdio: ["ignore", log.fd, log.fd], cwd: "/", env })
        .on("error", () => undefined)
        .unref()
    } finally {
      await log.close()
    }
    const deadline = Date.now() + startTimeoutMs
    for (;;) {
      try {
        ;(await connectTo(this.#socket)).destroy()
        return
      } catch (error) {
        if (Date.now() > deadline) {
          const log = join(this.#folder, "holder.log")
          throw new RetryableError(`The holder of the tenants' sockets does not start. ${log} says why.`, {
            cause: error,
          })
        }
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  }
}

function connectTo(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const connection = createConnection(path)
    connection.once("error", reject)
    connection.once("connect", () => {
      connection.off("error", reject)
      // From here on, an error shows as the end of the lines.
      connection.on("error", () => undefined)
      resolve(connection)
    })
  })
}

/** Ends with the connection, however that ends: by itself readline waits for ever on one that was destroyed. */
function linesOf(connection: Socket): Interface {
  const lines = createInterface({ input: connection })
  connection.once("close", () => lines.close())
  return lines
}
