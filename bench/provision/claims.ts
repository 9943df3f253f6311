/** Methods that a sidecar calls by a clock of its own, whether it claims or not. */
const byTheirOwnClock = new Set(["hello", "tenants", "observed", "ingest_usage"])

/**
 * How many calls each claim was, of the methods that were called in their order: the claim itself, and whatever came
 * between it and the one before. The first one is left out, since a sign-on comes before it.
 */
export function callsPerClaim(calls: readonly string[]): number[] {
  const counts: number[] = []
  let count = 0
  for (const method of calls) {
    if (byTheirOwnClock.has(method)) continue
    count += 1
    if (method !== "claim") continue
    counts.push(count)
    count = 0
  }
  return counts.slice(1)
}
