/** How full something is, and from when on that is news. Pure. */
import type { Fullness } from "./fleet_data.ts"

export type Level = "unknown" | "fine" | "high" | "full"

/** From how many percent on something is to be watched, and from how many on there is none left. */
export interface Scale {
  readonly high: number
  readonly full: number
}

/** The same wherever a number stands beside what it may be: here, on a tenant's page and in the portal. */
export const limited: Scale = { high: 80, full: 100 }
/** Tenants rarely compute all at once: one core serves several of them well. */
export const shared: Scale = { high: 400, full: 800 }

/** Whole percent; what is promised may well be more than there is. */
export function percentOf({ used, of }: Fullness): number {
  return of > 0 ? Math.round((used / of) * 100) : 0
}

export function levelOf(fullness: Fullness, { high, full }: Scale = limited): Level {
  if (fullness.of <= 0) return "unknown"
  const percent = percentOf(fullness)
  if (percent >= full) return "full"
  return percent >= high ? "high" : "fine"
}

/** Free space that lets PostgreSQL work on; below, clones and WAL stop it. */
const diskHighMb = 10 * 1024
const diskFullMb = 2 * 1024

export function diskLevel(freeMb: number): Level {
  if (freeMb <= 0) return "unknown"
  if (freeMb < diskFullMb) return "full"
  return freeMb < diskHighMb ? "high" : "fine"
}
