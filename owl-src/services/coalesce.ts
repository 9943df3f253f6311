/** Many reasons to look again, few looks. */

export interface Timers {
  setTimeout(callback: () => void, ms: number): number
  clearTimeout(handle: number | undefined): void
}

export interface Coalesced {
  /** Runs `work` once, `delayMs` from the first call on; asked while it runs, it runs once more afterwards. */
  soon(): void
  stop(): void
}

export function coalesce(work: () => Promise<void>, delayMs: number, timers: Timers): Coalesced {
  let timer: number | undefined
  let running = false
  let again = false
  let stopped = false

  async function run(): Promise<void> {
    timer = undefined
    running = true
    try {
      await work()
    } finally {
      running = false
      if (again) soon()
    }
  }

  function soon(): void {
    again = running
    if (stopped || running || timer !== undefined) return
    // A failure is for Odoo's own handler of unhandled errors: it tells people, and the bus says when to look again.
    timer = timers.setTimeout(() => void run(), delayMs)
  }

  return {
    soon,
    stop() {
      stopped = true
      timers.clearTimeout(timer)
    },
  }
}
