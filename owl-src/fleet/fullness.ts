/** How full something is, and from when on that is news. Pure. */
import type { Fullness } from "./fleet_data.ts"

export type Level = "unknown" | "fine" | "high" | "full"

const highFrom = 75
const fullFrom = 90

/** Whole percent, at most 100 for a bar; promised memory may well be more than there is. */
export function percentOf({ used, of }: Fullness): number {
  return of > 0 ? Math.round((used / of) * 100) : 0
}

export function levelOf(fullness: Fullness): Level {
  if (fullness.of <= 0) return "unknown"
  const percent = percentOf(fullness)
  if (percent >= fullFrom) return "full"
  return percent >= highFrom ? "high" : "fine"
}

/** Free space that lets PostgreSQL work on; below, clones and WAL stop it. */
const diskHighMb = 10 * 1024
const diskFullMb = 2 * 1024

export function diskLevel(freeMb: number): Level {
  if (freeMb <= 0) return "unknown"
  if (freeMb < diskFullMb) return "full"
  return freeMb < diskHighMb ? "high" : "fine"
}

/** Megabytes as people read them, in the words of `lang` (BCP 47). */
export function formatMegabytes(mb: number, lang: string): string {
  const [value, unit] =
    mb >= 1024 * 1024 ? [mb / 1024 / 1024, "terabyte"] : mb >= 1024 ? [mb / 1024, "gigabyte"] : [mb, "megabyte"]
  return new Intl.NumberFormat(lang, {
    style: "unit",
    unit,
    unitDisplay: "short",
    maximumFractionDigits: value < 10 && unit !== "megabyte" ? 1 : 0,
  }).format(value)
}
