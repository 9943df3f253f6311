/** One claimed operation under way: its lease, what is wanted now, and the ways it can be cut short. */
import type { Logger } from "pino"
import { RetryableError, StaleEpoch } from "../domain/errors.ts"
import type { StepKind } from "../domain/plan.ts"
import type { TenantSpec, TenantStatus } from "../domain/tenant.ts"
import type { Fence } from "../drivers/driver.ts"
import type { Claim, MasterPort, Renewal, StepReport } from "../odoo/port.ts"
import { Interrupted, type Interruption } from "./interrupted.ts"
import { Journal, type News } from "./journal.ts"
import type { Telemetry } from "./telemetry.ts"

export interface Surrounding {
  readonly master: MasterPort
  readonly telemetry: Telemetry
  readonly log: Logger
}

export class Task<C extends Claim = Claim> {
  readonly claim: C
  readonly subject: string
  readonly log: Logger
  readonly #telemetry: Telemetry
  readonly #journal: Journal
  readonly #ended = new AbortController()
  #step: AbortController | null = null
  #spec: TenantSpec | null
  #releasing = false
  #steps = 0
  #answered = true

  constructor(claim: C, subject: string, { master, telemetry, log }: Surrounding) {
    this.claim = claim
    this.subject = subject
    this.log = log.child({ tenant: subject, operation: claim.operation })
    this.#telemetry = telemetry
    this.#spec = "spec" in claim ? claim.spec : null
    this.#journal = new Journal(master, this.renewal, this.log, () => this.end("lost"))
  }

  get renewal(): Renewal {
    return { operation: this.claim.operation, lease: this.claim.lease }
  }

  get interruption(): Interruption | null {
    const { aborted, reason } = this.#ended.signal
    return aborted && reason instanceof Interrupted ? reason.why : null
  }

  /** What is wanted of the tenant now, which may be more than what was claimed. */
  get spec(): TenantSpec {
    if (this.#spec === null) throw new Error(`Operation ${this.claim.operation} has no tenant`)
    return this.#spec
  }

  /** Whether every step ended well: of one that was cut short, or failed, something may still be under way. */
  get isAnswered(): boolean {
    return this.#answered
  }

  /** A newer spec: planning starts anew, and at once where the tenant is to be in another state. */
  move(spec: TenantSpec): void {
    const before = this.#spec
    if (before !== null && spec.generation <= before.generation) return
    this.#spec = spec
    if (before?.desired !== spec.desired) this.#step?.abort(new Interrupted("moved"))
  }

  /** Ends it before the next step; the act under way is waited for. */
  release(): void {
    this.#releasing = true
  }

  /** Ends it now: the act under way is cut short. */
  end(why: Exclude<Interruption, "moved">): void {
    this.#ended.abort(new Interrupted(why))
  }

  /** Throws `Interrupted` where nothing more is to be begun. */
  checkpoint(): void {
    this.#ended.signal.throwIfAborted()
    if (this.#releasing) throw new Interrupted("released")
  }

  fence(signal: AbortSignal = this.#ended.signal): Fence {
    return { tenant: this.subject, epoch: this.claim.epoch, server: this.#server, signal }
  }

  get #server(): string {
    switch (this.claim.kind) {
      case "check_isolation":
        return ""
      case "build_template":
        return this.claim.server
      default:
        return this.spec.server
    }
  }

  /** Throws what `perform` throws, or `Interrupted` where it was cut short; `moved` only ends the step. */
  async step(kind: StepKind, perform: (fence: Fence) => Promise<void>): Promise<void> {
    this.checkpoint()
    const step = new AbortController()
    this.#step = step
    this.#steps += 1
    const number = this.#steps
    const start = performance.now()
    const startedAt = new Date().toISOString()
    const tell = (state: StepReport["state"], message: string) => {
      const durationMs = Math.round(performance.now() - start)
      this.#journal.step({ number, name: kind, state, startedAt, durationMs, message })
      if (state === "running") return
      this.#telemetry.stepEnded(kind, durationMs / 1000, state === "done")
      this.log.info({ step: kind, state, durationMs, ...(message && { reason: message }) }, "step ended")
    }
    tell("running", "")
    const signal = AbortSignal.any([this.#ended.signal, step.signal])
    try {
      await perform(this.fence(signal))
      // A worker that dies from here on has got further, and the master knows: it is not to be set aside for that.
      await this.#journal.told()
      tell("done", "")
    } catch (error) {
      this.#answered = false
      const cause = signal.aborted && !(error instanceof StaleEpoch) ? signal.reason : error
      tell("failed", cause instanceof Error ? cause.message : String(cause))
      if (cause instanceof Interrupted && cause.why === "moved") return
      throw cause
    } finally {
      this.#step = null
    }
  }

  status(status: TenantStatus): void {
    this.#telemetry.phaseSeen(this.subject, status.phase)
    this.#journal.status(status)
  }

  async close(): Promise<News> {
    return await this.#journal.close()
  }
}

/** Counts how often each step was chosen; throws when one has no effect, or when another one undoes it for ever. */
export class Repetition {
  readonly #times = new Map<string, number>()

  count(step: { readonly kind: StepKind }): void {
    const text = JSON.stringify(step)
    const times = (this.#times.get(text) ?? 0) + 1
    this.#times.set(text, times)
    if (times <= 3) return
    throw new RetryableError(
      `The step ${step.kind} was done three times and had no lasting effect. Somebody else may be changing the same thing.`,
    )
  }
}
