/**
 * Sees to what happens outside any operation: a tenant that ended by itself, one that drifted from its spec, one that
 * uses more than it may. It changes nothing; it asks the master for an operation and reports what it saw.
 */
import type { Logger } from "pino"
import { RetryableError } from "../domain/errors.ts"
import { phaseInTrouble, phaseOf } from "../domain/phase.ts"
import { type Decision, type Observation, plan } from "../domain/plan.ts"
import type { TenantId, TenantSpec, Usage } from "../domain/tenant.ts"
import type { Stop } from "../drivers/driver.ts"
import { type MasterPort, MasterUnavailable, type TenantSummary, type UsageSample } from "../odoo/port.ts"
import { observe } from "./observe.ts"
import { wantedOf } from "./reconcile.ts"
import { Rest } from "./timing.ts"
import type { World } from "./world.ts"

export interface PatrolOptions<E> {
  readonly master: MasterPort
  readonly world: World<E>
  readonly log: Logger
  /** Every tenant is looked at once in this time. */
  readonly roundSeconds: number
  /** Throws while nothing can be looked at. */
  readonly gate: () => Promise<void>
  /** A tenant that is being worked on looks unfinished, and somebody sees to it already. */
  readonly isWorkingOn: (tenant: TenantId) => boolean
  /** Called when the master was asked for an operation. */
  readonly asked: () => void
}

/** Pace of the first round after a start: whatever happened meanwhile is not to wait an hour. */
const firstRoundSeconds = 0.1
const retrySeconds = 5
const samplesAtOnce = 50

export class Patrol<E> {
  readonly #options: PatrolOptions<E>
  readonly #rest = new Rest()
  readonly #changed = new Set<TenantId>()
  readonly #phases = new Map<TenantId, string>()
  #known = new Map<TenantId, TenantSummary>()
  #samples: UsageSample[] = []
  #seq = 0n
  #stopWatching: Stop | null = null
  #loop: Promise<void> | null = null
  #stopping = false

  constructor(options: PatrolOptions<E>) {
    this.#options = options
  }

  start(): void {
    this.#stopWatching = this.#options.world.target.watch((tenant) => {
      this.#changed.add(tenant)
      this.#rest.wake()
    })
    this.#loop = this.#walkForEver()
  }

  async stop(): Promise<void> {
    await this.#stopWatching?.()
    this.#stopping = true
    this.#rest.wake()
    await this.#loop
  }

  /** How many tenants were last seen in which phase. */
  phases(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const phase of this.#phases.values()) counts.set(phase, (counts.get(phase) ?? 0) + 1)
    return counts
  }

  async #walkForEver(): Promise<void> {
    let first = true
    let queue: TenantId[] = []
    while (!this.#stopping) {
      const { roundSeconds, log } = this.#options
      let seconds = retrySeconds
      try {
        await this.#options.gate()
        await this.#seeChanged()
        if (queue.length === 0) {
          if (this.#known.size > 0) first = false
          await this.#learn()
          queue = [...this.#known.keys()]
        }
        const next = queue.shift()
        if (next !== undefined) await this.#look(next)
        if (queue.length === 0 || this.#samples.length >= samplesAtOnce) await this.#sendUsage()
        seconds = first && queue.length > 0 ? firstRoundSeconds : roundSeconds / Math.max(1, this.#known.size)
      } catch (error) {
        const passing = error instanceof MasterUnavailable || error instanceof RetryableError
        if (!passing) log.error({ err: error }, "a look at the tenants failed")
      }
      if (this.#changed.size === 0 || seconds === retrySeconds) await this.#rest.wait(seconds)
    }
  }

  async #learn(): Promise<void> {
    const { master, world } = this.#options
    const summaries = await master.tenants([world.target.name])
    this.#known = new Map(summaries.map((summary) => [summary.id, summary]))
    for (const id of this.#phases.keys()) if (!this.#known.has(id)) this.#phases.delete(id)
  }

  async #seeChanged(): Promise<void> {
    if (this.#changed.size === 0) return
    await this.#learn()
    for (const tenant of this.#changed) {
      await this.#judge(tenant, "Its Odoo ended by itself.")
      this.#changed.delete(tenant)
    }
  }

  async #look(tenant: TenantId): Promise<void> {
    const known = this.#known.get(tenant)
    if (known === undefined || this.#options.isWorkingOn(tenant)) return
    const seen = await observe(this.#options.world, known.spec)
    if (this.#decide(known.spec, seen).kind === "done") return await this.#tell(known, seen, "")
    // What we know of it may be an hour old: it is judged by what is wanted now.
    await this.#learn()
    await this.#judge(tenant, "It is not as it should be.")
  }

  async #judge(tenant: TenantId, reason: string): Promise<void> {
    const { world, isWorkingOn, master, log, asked } = this.#options
    const known = this.#known.get(tenant)
    if (known === undefined || isWorkingOn(tenant)) return
    const seen = await observe(world, known.spec)
    // It may have been claimed while we looked: then what we saw is half of something.
    if (isWorkingOn(tenant)) return
    const decision = this.#decide(known.spec, seen)
    if (decision.kind === "step") {
      log.info({ tenant, step: decision.step.kind }, reason)
      await master.request(tenant, "reconcile", `${reason} What it takes first: ${decision.step.kind}.`)
      asked()
    }
    const message = decision.kind === "done" ? "" : decision.kind === "step" ? reason : decision.reason
    await this.#tell(known, seen, message)
  }

  #decide(spec: TenantSpec, seen: Observation): Decision {
    return plan(spec, wantedOf(this.#options.world, spec), seen)
  }

  /** `trouble` is "" when all is well. */
  async #tell(known: TenantSummary, seen: Observation, trouble: string): Promise<void> {
    const { id, spec, epoch } = known
    const usage = await this.#usageOf(known, seen)
    const phase = trouble === "" ? phaseOf(spec, seen) : phaseInTrouble(spec, seen)
    this.#phases.set(id, phase)
    // One that nobody was ever sent to is still being made: its operation tells of it.
    if (trouble !== "" && seen.route.state.kind === "none") return
    const status = { phase, generation: spec.generation, message: trouble, usage }
    await this.#options.master.observed(id, epoch, this.#nextSeq(), status)
  }

  async #usageOf({ id, spec }: TenantSummary, seen: Observation): Promise<Usage | null> {
    const { databases, target } = this.#options.world
    if (seen.activeUsers === null) return null
    const [database, filestoreMb] = await Promise.all([databases.usage(spec), target.files.usage(id)])
    if (database === null) return null
    const usage = { users: database.activeUsers, databaseMb: database.megabytes, filestoreMb }
    this.#samples.push({ tenant: id, at: new Date().toISOString(), ...usage })
    return usage
  }

  async #sendUsage(): Promise<void> {
    if (this.#samples.length === 0) return
    await this.#options.master.ingestUsage(this.#samples)
    this.#samples = []
  }

  /** Microseconds since 1970: grows over restarts too. */
  #nextSeq(): string {
    const now = BigInt(Date.now()) * 1000n
    this.#seq = now > this.#seq ? now : this.#seq + 1n
    return this.#seq.toString()
  }
}
