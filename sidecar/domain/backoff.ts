/** How long to wait before the next try, in seconds. */
export interface Backoff {
  readonly first: number
  readonly most: number
}

/** Of operations that failed for a passing reason. */
export const operationBackoff: Backoff = { first: 2, most: 300 }

/**
 * Doubles with every try, capped, and spread over the upper half, so that those who failed together do not come back
 * together. `attempt` counts from 1; `random` is in [0, 1).
 */
export function backoffSeconds(attempt: number, random: number, { first, most }: Backoff = operationBackoff): number {
  const whole = Math.min(most, first * 2 ** Math.min(Math.max(attempt, 1) - 1, 30))
  return whole / 2 + (whole / 2) * random
}
