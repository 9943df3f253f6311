/** Requests in a steady flow, whether earlier ones were answered or not, as from many visitors. */
import { visit } from "../../tests/helpers/tenant.ts"

export interface Visit {
  /** Both in milliseconds of the same clock (`performance.now()`). */
  readonly sentAt: number
  readonly endedAt: number
  /** 0 where the connection broke and nothing was answered. */
  readonly status: number
}

export class RequestFlow {
  readonly #url: string
  readonly #underWay = new Set<Promise<void>>()
  readonly #ended: Visit[] = []
  readonly #timer: NodeJS.Timeout

  constructor(url: string, everyMs: number) {
    this.#url = url
    this.#timer = setInterval(() => this.#send(), everyMs)
  }

  /** How many wait for their answer. */
  get underWay(): number {
    return this.#underWay.size
  }

  /** Those that were answered so far. */
  get ended(): readonly Visit[] {
    return this.#ended
  }

  /** Sends no more and resolves once all are answered. */
  async stop(): Promise<readonly Visit[]> {
    clearInterval(this.#timer)
    await Promise.all(this.#underWay)
    return this.#ended
  }

  #send(): void {
    const sentAt = performance.now()
    const end = (status: number) => {
      this.#ended.push({ sentAt, endedAt: performance.now(), status })
      this.#underWay.delete(request)
    }
    const request = visit(this.#url).then(
      ({ status }) => end(status),
      () => end(0),
    )
    this.#underWay.add(request)
  }
}
