/**
 * Whether the API server is heard. A watch only listens, and does not notice that a network loses all that it would hear,
 * nor that the network is back: whoever asks does.
 */
import { setTimeout as pause } from "node:timers/promises"
import type { Logger } from "pino"

export interface PulseOptions {
  /** Rejects where there is no answer. */
  readonly ask: () => Promise<unknown>
  /** Called when there is an answer again: what was said meanwhile was said to nobody. */
  readonly back: () => void
  readonly log: Logger
  readonly beatMs?: number
}

const defaultBeatMs = 4_000

export class Pulse {
  readonly #options: PulseOptions
  readonly #stopped = new AbortController()
  #beating: Promise<void> | null = null

  constructor(options: PulseOptions) {
    this.#options = options
  }

  start(): void {
    this.#beating ??= this.#beat()
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#beating
  }

  async #beat(): Promise<void> {
    const { ask, back, log, beatMs = defaultBeatMs } = this.#options
    const { signal } = this.#stopped
    let wasHeard = true
    for (;;) {
      await pause(beatMs, undefined, { signal, ref: false }).catch(() => undefined)
      if (signal.aborted) return
      const isHeard = await ask().then(
        () => true,
        (error: Error) => {
          if (wasHeard) log.warn({ reason: error.message }, "the cluster is not heard")
          return false
        },
      )
      if (isHeard && !wasHeard) {
        log.info("the cluster is heard again: what was said meanwhile is asked for")
        back()
      }
      wasHeard = isHeard
    }
  }
}
