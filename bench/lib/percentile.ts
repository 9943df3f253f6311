/**
 * The p-th percentile by nearest rank: the smallest measured value that at least p percent of all values do not
 * exceed. It never invents a value between two measured ones; of fewer than 20 values, the 95th is the largest.
 */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  // Multiplied first: 0.95 × 20 is a little more than 19 in binary.
  const rank = Math.max(1, Math.ceil((percent * sorted.length) / 100))
  const value = sorted[rank - 1]
  if (value === undefined || percent > 100)
    throw new RangeError(`${values.length} values have no percentile ${percent}`)
  return value
}
