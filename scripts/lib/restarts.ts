/** When a server that has ended is started again. Pure: it is told what is seen and what time it is. */

export interface Restarts {
  /** Ends and refused starts in a row; one that has run for a while begins anew. */
  readonly failures: number
  /** Milliseconds, as is every time here; null while it does not run. */
  readonly runsSince: number | null
  /** When it is started; null while it runs. */
  readonly due: number | null
}

export type Verdict = "rest" | "ended" | "start"

export const untried: Restarts = { failures: 0, runsSince: null, due: null }

const first = 1000
const most = 30_000
/** Who has run for so long has got over what ended it. */
const steady = 60_000

/** One look at a server: whether it has just ended, and whether it is time to start it. */
export function look(before: Restarts, runs: boolean, now: number): { restarts: Restarts; verdict: Verdict } {
  if (runs) {
    const runsSince = before.runsSince ?? now
    const failures = now - runsSince >= steady ? 0 : before.failures
    return { restarts: { failures, runsSince, due: null }, verdict: "rest" }
  }
  if (before.due === null) return { restarts: failed(before, now), verdict: "ended" }
  return { restarts: before, verdict: before.due <= now ? "start" : "rest" }
}

/** It ended, or its start was refused: each time the wait is twice as long, and never longer than half a minute. */
export function failed({ failures }: Restarts, now: number): Restarts {
  return { failures: failures + 1, runsSince: null, due: now + Math.min(most, first * 2 ** failures) }
}

export function waitSeconds({ due }: Restarts, now: number): number {
  return Math.round(Math.max(0, (due ?? now) - now) / 1000)
}
