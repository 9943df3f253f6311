/** What visitors met while the process that serves them was killed and came back. */
import type { Visit } from "./request-flow.ts"

export interface Outage {
  /** From the kill to the first good answer to a request that was sent after it; null while there was none. */
  readonly seconds: number | null
  /** Requests sent after the kill that were not answered well. */
  readonly failed: number
  /**
   * Requests that the killed process had under way and that ended badly. They differ in nature: what it had read of
   * them died with it, and nobody can know how far it had come.
   */
  readonly cutOff: number
}

export function outageOf(visits: readonly Visit[], killedAt: number): Outage {
  const after = visits.filter(({ sentAt }) => sentAt >= killedAt)
  const served = after.filter(isGood).map(({ endedAt }) => endedAt)
  return {
    seconds: served.length === 0 ? null : (Math.min(...served) - killedAt) / 1000,
    failed: after.filter((visit) => !isGood(visit)).length,
    cutOff: visits.filter((visit) => visit.sentAt < killedAt && visit.endedAt >= killedAt && !isGood(visit)).length,
  }
}

function isGood({ status }: Visit): boolean {
  return status === 200
}
