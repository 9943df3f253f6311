import type { Logger } from "pino"

/** What goes wrong again and again in a loop is logged when it begins or changes, not at every turn. */
export class Complaint {
  readonly #log: Logger
  readonly #about: string
  #last = ""

  constructor(about: string, log: Logger) {
    this.#about = about
    this.#log = log
  }

  raise(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    if (message !== this.#last) this.#log.error({ err: error }, this.#about)
    this.#last = message
  }

  settle(): void {
    this.#last = ""
  }
}
