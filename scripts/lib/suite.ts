/** What `npm test` runs and what comes out of it. */
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { repo } from "./paths.ts"

export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

export interface Result extends Counts {
  /** What a person needs to see of the failures. */
  readonly problems: readonly string[]
}

export interface Surroundings {
  /** Folder for the logs of this suite. */
  readonly logs: string
  /** Shown while it runs. */
  readonly detail: (text: string) => void
  /** Aborted when the run is to end: nothing begins any more, and what is under way is ended and cleaned up. */
  readonly signal: AbortSignal
}

export interface Suite {
  readonly name: string
  /** False leaves it out: its part of the project is not there. */
  readonly exists: boolean
  /** Measures time, so nothing else runs beside it. */
  readonly alone?: boolean
  run(around: Surroundings): Promise<Result>
}

export const nothing: Result = { passed: 0, failed: 0, skipped: 0, problems: [] }

export function add(a: Result, b: Result): Result {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
    problems: [...a.problems, ...b.problems],
  }
}

export function failure(problem: string): Result {
  return { passed: 0, failed: 1, skipped: 0, problems: [problem] }
}

export const success: Result = { passed: 1, failed: 0, skipped: 0, problems: [] }

/** Files below a folder of the repository whose name ends so, in order; none when the folder is not there. */
export function filesEnding(folder: string, end: string): string[] {
  const path = join(repo, folder)
  if (!existsSync(path)) return []
  const names = readdirSync(path, { recursive: true, encoding: "utf8" })
  return names
    .filter((name) => name.endsWith(end))
    .map((name) => join(folder, name))
    .sort()
}
