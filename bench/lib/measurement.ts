/** What was measured under one name, and what programs and people are told of it. */
import { percentile } from "./percentile.ts"

/** Each bound is inclusive, in the unit of the measurement. */
export interface Limit {
  readonly p50?: number
  readonly p95?: number
  /** For every single value. */
  readonly max?: number
}

export interface Measurement {
  readonly name: string
  readonly unit: string
  readonly values: readonly number[]
  /** What was asked for; left out for what is measured to compare or to explain. */
  readonly atMost?: Limit
}

/** One measurement in the form that all benchmarks share with `--json`. */
export interface Row {
  readonly name: string
  readonly unit: string
  readonly n: number
  readonly p50: number
  readonly p95: number
}

export function rowOf({ name, unit, values }: Measurement): Row {
  return { name, unit, n: values.length, p50: round(percentile(values, 50)), p95: round(percentile(values, 95)) }
}

export function largestOf({ values }: Measurement): number {
  return round(percentile(values, 100))
}

/** null where nothing was asked for. Judged by what was measured, not by what it is rounded to. */
export function holds({ values, atMost }: Measurement): boolean | null {
  if (atMost === undefined) return null
  const { p50 = Infinity, p95 = Infinity, max = Infinity } = atMost
  return percentile(values, 50) <= p50 && percentile(values, 95) <= p95 && percentile(values, 100) <= max
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
