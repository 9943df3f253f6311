/** People who ask again and again while something happens to their Odoo. */
import type { Answer } from "../../helpers/tenant.ts"
import { until } from "../../helpers/wait.ts"

export class Visitors {
  #count = 0
  #leaving = false
  readonly #statuses = new Set<number | string>()
  readonly #all: Promise<void>[]

  constructor(visit: () => Promise<Answer>, howMany: number) {
    this.#all = Array.from({ length: howMany }, async () => {
      while (!this.#leaving) {
        this.#statuses.add(
          await visit().then(
            ({ status }) => status,
            (error: Error) => error.message,
          ),
        )
        this.#count++
      }
    })
  }

  /** Resolves once so many more were answered. */
  async served(more: number): Promise<void> {
    const wanted = this.#count + more
    await until(`${more} more are answered`, async () => this.#count >= wanted)
  }

  /** Every status that anybody met, and the messages of connections that broke. */
  async leave(): Promise<Set<number | string>> {
    this.#leaving = true
    await Promise.all(this.#all)
    return this.#statuses
  }
}
