import { setTimeout as sleep } from "node:timers/promises"

/** Rejects with the signal's reason when it is aborted. */
export async function pause(seconds: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(seconds * 1000, undefined, signal ? { signal } : {})
  } catch (error) {
    throw signal?.aborted ? signal.reason : error
  }
}

/** A rest that can be cut short. A wake-up before the rest begins is not lost. */
export class Rest {
  #woken = false
  #wake: (() => void) | null = null

  wake(): void {
    this.#woken = true
    this.#wake?.()
  }

  /** Resolves after so many seconds, or at once when woken. */
  async wait(seconds: number): Promise<void> {
    if (!this.#woken) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, seconds * 1000)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.#wake = null
    this.#woken = false
  }
}
