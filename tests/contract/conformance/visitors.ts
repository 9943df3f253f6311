/** People who ask again and again while something happens to their Odoo. */
import type { Answer } from "../../helpers/tenant.ts"
import { until } from "../../helpers/wait.ts"

export class Visitors {
  #leaving = false
  readonly #visits: { readonly begun: number; readonly met: number | string }[] = []
  readonly #all: Promise<void>[]

  constructor(visit: () => Promise<Answer>, howMany: number) {
    this.#all = Array.from({ length: howMany }, async () => {
      while (!this.#leaving) {
        const begun = performance.now()
        const met = await visit().then(
          ({ status }) => status,
          (error: Error) => error.message,
        )
        this.#visits.push({ begun, met })
      }
    })
  }

  /** Resolves once so many more were answered. */
  async served(more: number): Promise<void> {
    const wanted = this.#visits.length + more
    await until(`${more} more are answered`, async () => this.#visits.length >= wanted)
  }

  /** Every status that anybody met, and the messages of connections that broke. */
  async leave(): Promise<Set<number | string>> {
    return (await this.leaveApart(0)).after
  }

  /** The same, of those who had come before that moment (of `performance.now()`) and of those who came later. */
  async leaveApart(
    moment: number,
  ): Promise<{ readonly before: Set<number | string>; readonly after: Set<number | string> }> {
    this.#leaving = true
    await Promise.all(this.#all)
    const of = (isWanted: (begun: number) => boolean) =>
      new Set(this.#visits.filter(({ begun }) => isWanted(begun)).map(({ met }) => met))
    return { before: of((begun) => begun < moment), after: of((begun) => begun >= moment) }
  }
}
