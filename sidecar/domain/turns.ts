/** So many at once. Of those who wait, the one with the lowest rank is next. */
export class Turns {
  readonly #most: number
  readonly #waiting = new Set<Waiting>()
  #taken = 0

  constructor(most: number) {
    this.#most = most
  }

  /** Resolves with what gives the turn back. Rejects with the signal's reason when it is aborted meanwhile. */
  async take(rank: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (this.#taken < this.#most) this.#taken += 1
    else await this.#wait(rank, signal)
    return this.#giveBack()
  }

  #wait(rank: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(waiting)
        signal.removeEventListener("abort", refuse)
      }
      const refuse = () => {
        leave()
        reject(signal.reason)
      }
      const waiting: Waiting = {
        rank,
        begin: () => {
          leave()
          resolve()
        },
      }
      this.#waiting.add(waiting)
      signal.addEventListener("abort", refuse, { once: true })
    })
  }

  #giveBack(): () => void {
    let isBack = false
    return () => {
      if (isBack) return
      isBack = true
      const [next] = [...this.#waiting].sort((one, other) => one.rank - other.rank)
      // It is handed on: whoever comes in this very moment does not come before those who wait.
      if (next) next.begin()
      else this.#taken -= 1
    }
  }
}

interface Waiting {
  readonly rank: number
  readonly begin: () => void
}
