/** Tells the master of steps and status as they come: one call at a time, newer news replaces what waits. */
import type { Logger } from "pino"
import type { TenantStatus } from "../domain/tenant.ts"
import { type MasterPort, MasterUnavailable, type Renewal, type StepReport } from "../odoo/port.ts"

export interface News {
  readonly steps: readonly StepReport[]
  readonly status: TenantStatus | null
}

/** What is said within a moment, such as the end of a step and the begin of the next, travels in one call. */
const gatherMs = 100

export class Journal {
  readonly #master: MasterPort
  readonly #renewal: Renewal
  readonly #log: Logger
  readonly #lost: () => void
  #steps = new Map<number, StepReport>()
  #status: TenantStatus | null = null
  #told: TenantStatus | null = null
  #sending: Promise<void> | null = null
  #gathered: () => void = () => undefined
  #hurried = false
  #closed = false

  /** `lost` is called when the master says that the lease is not ours any more. */
  constructor(master: MasterPort, renewal: Renewal, log: Logger, lost: () => void) {
    this.#master = master
    this.#renewal = renewal
    this.#log = log
    this.#lost = lost
  }

  /** The begin of a step is told at once; its end may wait a moment for the begin of the next. */
  step(report: StepReport): void {
    this.#steps.set(report.number, report)
    if (report.state === "running") this.#hurry()
    this.#send()
  }

  status(status: TenantStatus): void {
    if (sameStatus(status, this.#status ?? this.#told)) return
    this.#status = status
    this.#send()
  }

  /** Resolves when the master has heard what was said so far, or cannot be told now. */
  async told(): Promise<void> {
    await this.#sending
  }

  /** Waits for the call under way and hands out what was not told yet, to travel with the end of the operation. */
  async close(): Promise<News> {
    this.#closed = true
    this.#hurry()
    await this.#sending
    return { steps: [...this.#steps.values()], status: this.#status }
  }

  #send(): void {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = null
    })
  }

  #hurry(): void {
    this.#hurried = true
    this.#gathered()
  }

  async #sendAll(): Promise<void> {
    while (this.#steps.size > 0 || this.#status !== null) {
      await this.#gather()
      if (this.#closed) return
      const steps = this.#steps
      const status = this.#status
      this.#steps = new Map()
      this.#status = null
      this.#hurried = false
      try {
        if (!(await this.#master.report(this.#renewal, [...steps.values()], status))) this.#lost()
        this.#told = status ?? this.#told
      } catch (error) {
        // Not lost: it travels with the next news, or with the end of the operation.
        this.#steps = new Map([...steps, ...this.#steps])
        this.#status ??= status
        if (!(error instanceof MasterUnavailable)) this.#log.error({ err: error }, "the master refused a report")
        return
      }
    }
  }

  async #gather(): Promise<void> {
    if (this.#hurried) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, gatherMs)
      this.#gathered = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

function sameStatus(a: TenantStatus, b: TenantStatus | null): boolean {
  const words = ({ phase, generation, message, additions }: TenantStatus) =>
    JSON.stringify([phase, generation, message, additions])
  return b !== null && words(a) === words(b)
}
