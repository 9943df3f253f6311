/** Measurements for people: a row each, with what was asked for beside it and whether that holds. */
import { holds, type Limit, largestOf, type Measurement, rowOf } from "./measurement.ts"

const heads = ["", "unit", "n", "p50", "p95", "largest", "asked", "holds"] as const
/** Numbers are read from the right. */
const aligned = new Set(["n", "p50", "p95", "largest"])

const legend =
  "Percentiles are nearest ranks: each is a value that was measured. Of fewer than 20 values, p95 is the largest."

export function table(measurements: readonly Measurement[]): string {
  const lines = [[...heads], ...measurements.map(cells)]
  const widths = heads.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const drawn = lines.map((line) => line.map((cell, column) => pad(cell, column, widths[column] ?? 0)).join("  "))
  return [...drawn.map((line) => line.trimEnd()), "", legend].join("\n")
}

function cells(measurement: Measurement): string[] {
  const { name, unit, n, p50, p95 } = rowOf(measurement)
  const verdict = { true: "yes", false: "NO", null: "" }[String(holds(measurement)) as "true" | "false" | "null"]
  const asked = measurement.atMost ? wordsOf(measurement.atMost) : ""
  return [name, unit, ...[n, p50, p95, largestOf(measurement)].map(String), asked, verdict]
}

function wordsOf(limit: Limit): string {
  const { p50, p95, max } = limit
  const words = [
    ["p50", p50],
    ["p95", p95],
    ["each", max],
  ]
  return words.flatMap(([what, most]) => (most === undefined ? [] : [`${what} ≤ ${most}`])).join(", ")
}

function pad(cell: string, column: number, width: number): string {
  return aligned.has(heads[column] ?? "") ? cell.padStart(width) : cell.padEnd(width)
}
