/** This machine as a target: tenants are processes, nginx is in front, PostgreSQL is beside them. */
import { availableParallelism, loadavg, totalmem } from "node:os"
import { setTimeout as pause } from "node:timers/promises"
import type { Logger } from "pino"
import type { Drift } from "../../domain/plan.ts"
import type { TenantId, TenantSpec } from "../../domain/tenant.ts"
import { Turns } from "../../domain/turns.ts"
import type { TargetInfo } from "../../odoo/port.ts"
import type { Backups, DatabaseServers, Files, FoundTenant, Router, Runtime, Stop, Target } from "../driver.ts"
import type { LoopbackEndpoint } from "./endpoint.ts"
import type { ProcessFiles } from "./files.ts"
import type { Firewall } from "./firewall.ts"
import type { ForkServers } from "./fork-servers.ts"
import type { Holder } from "./holder.ts"
import type { Places } from "./place.ts"

export interface ProcessTargetParts {
  readonly name: string
  readonly servers: DatabaseServers
  readonly runtime: Runtime<LoopbackEndpoint>
  readonly files: ProcessFiles
  readonly backups: Backups
  readonly router: Router<LoopbackEndpoint>
  readonly holder: Holder
  readonly forkServers: ForkServers
  readonly places: Places
  readonly firewall: Firewall | null
  readonly missingIsolation: () => Promise<readonly string[]>
  readonly log: Logger
}

const unverified = "What keeps tenants apart could not be verified."
const rewatchMs = 1_000

export class ProcessTarget implements Target<LoopbackEndpoint> {
  readonly name: string
  readonly starts = new Turns(Math.max(2, availableParallelism()))
  readonly servers: DatabaseServers
  readonly runtime: Runtime<LoopbackEndpoint>
  readonly files: Files
  readonly backups: Backups
  readonly router: Router<LoopbackEndpoint>
  readonly #parts: ProcessTargetParts
  readonly #closed = new AbortController()

  constructor(parts: ProcessTargetParts) {
    this.#parts = parts
    this.name = parts.name
    this.runtime = parts.runtime
    this.files = parts.files
    this.backups = parts.backups
    this.router = parts.router
    this.servers = parts.servers
  }

  async describe(): Promise<TargetInfo> {
    const { notes, missingIsolation } = await this.#look().then(
      (missingIsolation) => ({ notes: [], missingIsolation }),
      (error: Error) => ({ notes: [error.message], missingIsolation: [unverified] }),
    )
    return {
      name: this.name,
      kind: "process",
      ready: notes.length === 0,
      notes,
      missingIsolation,
      memoryMb: Math.floor(totalmem() / 1024 / 1024),
      cpuMilli: availableParallelism() * 1000,
      dedicatedServers: false,
      checksIsolation: false,
    }
  }

  load(): number {
    const [lastMinute = 0] = loadavg()
    return lastMinute / availableParallelism()
  }

  /** Its folder says that one is here: all else that it has goes before that. */
  async find(): Promise<readonly FoundTenant[]> {
    return (await this.#parts.files.list()).map((id) => ({ id, ownServer: false }))
  }

  /** What may leave it is changed while it runs: it need not be started anew for another plan. */
  async drift({ id, outgoing }: TenantSpec): Promise<Drift | null> {
    const { firewall, places } = this.#parts
    const uid = (await places.find(id))?.uid ?? null
    if (firewall === null || uid === null || firewall.keeps(uid, outgoing)) return null
    return { part: "runtime", what: "The firewall does not yet know what its plan lets it reach." }
  }

  /** Answers what is missing, of the holder. Besides, it puts back the rules that somebody who loads others on this machine may have flushed. */
  async #look(): Promise<readonly string[]> {
    const { missingIsolation, firewall, places } = this.#parts
    await firewall?.apply(() => places.seats())
    return await missingIsolation()
  }

  watch(changed: (tenant: TenantId) => void): Stop {
    const stopped = new AbortController()
    const signal = AbortSignal.any([stopped.signal, this.#closed.signal])
    const watching = this.#watch(changed, signal)
    return async () => {
      stopped.abort()
      await watching
    }
  }

  async close(): Promise<void> {
    this.#closed.abort()
    await this.#parts.forkServers.settled()
  }

  /** The holder may be killed like everything else: the next one has taken over what runs. */
  async #watch(changed: (tenant: TenantId) => void, signal: AbortSignal): Promise<void> {
    for (let first = true; !signal.aborted; first = false) {
      // Nobody told us of what ended while the holder was away.
      if (!first) for (const tenant of await this.#parts.files.list()) changed(tenant)
      // It has taken its fork servers along.
      void this.#parts.forkServers.warmNewest()
      await this.#parts.holder.watch(changed, signal).catch((error: unknown) => {
        if (!signal.aborted) this.#parts.log.warn({ err: error }, "the holder is away")
      })
      await pause(rewatchMs, undefined, { signal }).catch(() => undefined)
    }
  }
}
