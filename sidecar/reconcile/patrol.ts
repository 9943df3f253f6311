/**
 * Sees to what happens outside any operation: a tenant that ended by itself, one that drifted from its spec, one that
 * uses more than it may. It changes nothing; it asks the master for an operation and reports what it saw.
 */
import type { Logger } from "pino"
import { RetryableError } from "../domain/errors.ts"
import { phaseInTrouble, phaseOf } from "../domain/phase.ts"
import { type Decision, type Observation, plan, type Step } from "../domain/plan.ts"
import type { TenantId, TenantSpec } from "../domain/tenant.ts"
import type { Stop } from "../drivers/driver.ts"
import { type MasterPort, MasterUnavailable, type TenantSummary, type UsageSample } from "../odoo/port.ts"
import { Complaint } from "./complaint.ts"
import { observe } from "./observe.ts"
import { wantedOf } from "./reconcile.ts"
import type { Telemetry } from "./telemetry.ts"
import { Rest } from "./timing.ts"
import { countUsage } from "./usage.ts"
import type { World } from "./world.ts"

export interface PatrolOptions<E> {
  readonly master: MasterPort
  readonly world: World<E>
  readonly telemetry: Telemetry
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
/** With few tenants the rounds are shorter, so that a new one is not strange for long. */
const longestRestSeconds = 60
const busySeconds = 0.5
const retrySeconds = 5
const samplesAtOnce = 50
const changedAtOnce = 4

export class Patrol<E> {
  readonly #options: PatrolOptions<E>
  readonly #complaint: Complaint
  readonly #rest = new Rest()
  readonly #changedRest = new Rest()
  readonly #changed = new Set<TenantId>()
  /** What was last said in the log of those that are not well. */
  readonly #troubles = new Map<TenantId, string>()
  #known = new Map<TenantId, TenantSummary>()
  #ahead: TenantId[] = []
  #rounds = 0
  #samples: UsageSample[] = []
  #seq = 0n
  #stopWatching: Stop | null = null
  #loops: Promise<unknown> | null = null
  #stopping = false

  constructor(options: PatrolOptions<E>) {
    this.#options = options
    this.#complaint = new Complaint("a look at the tenants failed", options.log)
  }

  start(): void {
    this.#stopWatching = this.#options.world.target.watch((tenant) => {
      this.#changed.add(tenant)
      this.#changedRest.wake()
    })
    // Apart from each other: a tenant that ended is not to wait for one that does not answer.
    this.#loops = Promise.all([this.#seeChangedForEver(), this.#walkForEver()])
  }

  async stop(): Promise<void> {
    await this.#stopWatching?.()
    this.#stopping = true
    this.#rest.wake()
    this.#changedRest.wake()
    await this.#loops
  }

  /** Whether the master has told of its tenants. */
  get hasLearned(): boolean {
    return this.#rounds > 0
  }

  knows(tenant: TenantId): boolean {
    return this.#known.has(tenant)
  }

  async #seeChangedForEver(): Promise<void> {
    await this.#forEver(this.#changedRest, async () => {
      await this.#seeChanged()
      return this.#changed.size > 0 ? busySeconds : longestRestSeconds
    })
  }

  async #walkForEver(): Promise<void> {
    await this.#forEver(this.#rest, async () => {
      await this.#goOn()
      return this.#pace()
    })
  }

  /** `work` answers for how many seconds to rest after it. */
  async #forEver(rest: Rest, work: () => Promise<number>): Promise<void> {
    while (!this.#stopping) {
      try {
        await this.#options.gate()
        const seconds = await work()
        this.#complaint.settle()
        await rest.wait(seconds)
      } catch (error) {
        const passing = error instanceof MasterUnavailable || error instanceof RetryableError
        if (!passing) this.#complaint.raise(error)
        await rest.wait(retrySeconds)
      }
    }
  }

  /** One more tenant of this round; after the last, a new round begins with the tenants that there are by then. */
  async #goOn(): Promise<void> {
    const next = this.#ahead.shift()
    if (next !== undefined) await this.#look(next)
    if (this.#ahead.length > 0 && this.#samples.length < samplesAtOnce) return
    await this.#sendUsage()
    if (this.#ahead.length > 0) return
    await this.#learn()
    this.#rounds += 1
    this.#ahead = [...this.#known.keys()]
  }

  #pace(): number {
    if (this.#rounds === 1 && this.#ahead.length > 0) return firstRoundSeconds
    return Math.min(longestRestSeconds, this.#options.roundSeconds / Math.max(1, this.#known.size))
  }

  async #learn(): Promise<void> {
    const { master, world, telemetry } = this.#options
    const summaries = await master.tenants([world.target.name], null)
    this.#known = new Map(summaries.map((summary) => [summary.id, summary]))
    telemetry.tenantsKnown(new Set(this.#known.keys()))
    for (const id of this.#troubles.keys()) if (!this.#known.has(id)) this.#troubles.delete(id)
  }

  /** What is wanted of these by now. Of all of them it would be megabytes, for one that crashed. */
  async #learnOf(tenants: readonly TenantId[]): Promise<void> {
    const { master, world } = this.#options
    const summaries = await master.tenants([world.target.name], tenants)
    for (const tenant of tenants) this.#known.delete(tenant)
    for (const summary of summaries) this.#known.set(summary.id, summary)
  }

  async #seeChanged(): Promise<void> {
    if (this.#changed.size === 0) return
    // Whoever works on one may have looked just before: it is seen to when they are done.
    const free = [...this.#changed].filter((tenant) => !this.#options.isWorkingOn(tenant))
    if (free.length === 0) return
    await this.#learnOf(free)
    for (let first = 0; first < free.length && !this.#stopping; first += changedAtOnce) {
      const some = free.slice(first, first + changedAtOnce)
      const looks = await Promise.allSettled(some.map((tenant) => this.#seeOneChanged(tenant)))
      for (const look of looks) if (look.status === "rejected") throw look.reason
    }
  }

  async #seeOneChanged(tenant: TenantId): Promise<void> {
    // Before the look: what changes from here on is another change.
    this.#changed.delete(tenant)
    try {
      await this.#judge(tenant)
    } catch (error) {
      this.#changed.add(tenant)
      throw error
    }
  }

  async #look(tenant: TenantId): Promise<void> {
    const known = this.#known.get(tenant)
    if (known === undefined || this.#options.isWorkingOn(tenant)) return
    const seen = await observe(this.#options.world, known.spec)
    if (this.#decide(known.spec, seen).kind === "done") return await this.#tell(known, seen, "")
    // What we know of it may be an hour old: it is judged by what is wanted now.
    await this.#learnOf([tenant])
    await this.#judge(tenant)
  }

  async #judge(tenant: TenantId): Promise<void> {
    const { world, isWorkingOn, master, log, asked } = this.#options
    const known = this.#known.get(tenant)
    if (known === undefined || isWorkingOn(tenant)) return
    const seen = await observe(world, known.spec)
    // It may have been claimed while we looked: then what we saw is half of something.
    if (isWorkingOn(tenant)) return
    const decision = this.#decide(known.spec, seen)
    const trouble = troubleOf(decision, seen)
    // What is blocked needs a person, and an operation would only say so once more.
    if (decision.kind === "step" || decision.kind === "wait") {
      // Once: whoever sees to it, such as another sidecar that builds its template, may take many rounds.
      if (this.#troubles.get(tenant) !== trouble) log.warn({ tenant, decision }, trouble)
      this.#troubles.set(tenant, trouble)
      await master.request(tenant, "reconcile", trouble)
      asked()
    }
    await this.#tell(known, seen, trouble)
  }

  #decide(spec: TenantSpec, seen: Observation): Decision {
    return plan(spec, wantedOf(this.#options.world, spec), seen)
  }

  /** `trouble` is "" when all is well. */
  async #tell(known: TenantSummary, seen: Observation, trouble: string): Promise<void> {
    const { id, spec, epoch } = known
    const usage = await countUsage(this.#options.world, spec, seen)
    if (usage) this.#samples.push({ tenant: id, at: new Date().toISOString(), ...usage })
    const phase = trouble === "" ? phaseOf(spec, seen) : phaseInTrouble(spec, seen)
    if (trouble === "") this.#troubles.delete(id)
    this.#options.telemetry.phaseSeen(id, phase)
    // One that nobody was ever sent to is still being made: its operation tells of it.
    if (trouble !== "" && seen.route.state.kind === "none") return
    const status = { phase, generation: spec.generation, message: trouble, additions: seen.additions ?? [], usage }
    await this.#options.master.observed(id, epoch, this.#nextSeq(), status)
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

/** In words for the tenant's page; "" when all is well. */
function troubleOf(decision: Decision, { drift, route, runtime }: Observation): string {
  switch (decision.kind) {
    case "done":
      return ""
    case "wait":
    case "blocked":
      return decision.reason
    case "step":
      if (decision.step.kind === "start_runtime" && runtime.state === "stopped") {
        return "Its Odoo has ended by itself; it is started again."
      }
      if (drift) return `${drift.what} It is put right.`
      // Nobody was ever sent to one that is still being made.
      return `It is not ${route.state.kind === "none" ? "made yet" : "as it should be"}; next comes ${wordsOf(decision.step)}.`
  }
}

function wordsOf({ kind }: Step): string {
  return kind.replaceAll("_", " ")
}
