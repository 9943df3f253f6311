/** Whether somebody we depend on is there. It is logged when that changes, and only then. */
import type { Logger } from "pino"
import { RetryableError } from "../domain/errors.ts"
import { type MasterPort, MasterUnavailable } from "../odoo/port.ts"

export class Availability {
  readonly #log: Logger
  readonly #who: string
  #reason: string | null = "It was not asked yet."
  #told = false

  constructor(who: string, log: Logger) {
    this.#who = who
    this.#log = log
  }

  /** null when it is there; otherwise why it is not, for people. */
  get reason(): string | null {
    return this.#reason
  }

  here(): void {
    if (this.#reason === null) return
    this.#reason = null
    this.#told = false
    this.#log.info(`${this.#who} answers`)
  }

  away(reason: string): void {
    this.#reason = reason
    // While it is away the reasons may take turns: refused, no answer in time, starting up.
    if (!this.#told) this.#log.warn({ reason }, `${this.#who} is away; waiting for it`)
    this.#told = true
  }
}

/** Does the work and notes whether it was answered: whoever is away throws a `MasterUnavailable` or `RetryableError`. */
export async function noted<T>(availability: Availability, work: () => Promise<T>): Promise<T> {
  try {
    const answer = await work()
    availability.here()
    return answer
  } catch (error) {
    if (error instanceof MasterUnavailable || error instanceof RetryableError) availability.away(error.message)
    else availability.here()
    throw error
  }
}

/** The same master; every call notes whether it answered. A refusal is an answer. */
export function watched(master: MasterPort, availability: Availability): MasterPort {
  const note = <T>(call: Promise<T>) => noted(availability, () => call)
  return {
    hello: (...args) => note(master.hello(...args)),
    claim: (...args) => note(master.claim(...args)),
    renew: (...args) => note(master.renew(...args)),
    report: (...args) => note(master.report(...args)),
    finish: (...args) => note(master.finish(...args)),
    observed: (...args) => note(master.observed(...args)),
    request: (...args) => note(master.request(...args)),
    tenants: (...args) => note(master.tenants(...args)),
    ingestUsage: (...args) => note(master.ingestUsage(...args)),
  }
}
