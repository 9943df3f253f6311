/** What is left of a PostgreSQL that was killed, and when another may take its place. */
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from "node:fs"
import { join } from "node:path"
import { until } from "./until.ts"

/** A child that is busy does not notice that its postmaster is gone; the postmaster's own word for it, then the kernel's. */
const askedAfterMs = 3000
const killedAfterMs = 8000

/**
 * Processes of PostgreSQL that work in that folder of data: a postmaster and each of its children do. One that has ended
 * and that its parent has not collected works nowhere, though its pid is still taken.
 */
export function processesIn(data: string): number[] {
  const folder = realpathSync(data)
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && isPostgresIn(name, folder))
    .map(Number)
}

function isPostgresIn(pid: string, folder: string): boolean {
  try {
    return (
      readlinkSync(`/proc/${pid}/cwd`) === folder && readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "postgres"
    )
  } catch (error) {
    // It ended meanwhile, or is somebody else's.
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) return false
    throw error
  }
}

/**
 * Resolves once nothing of a killed one is in the way: its children still hold the shared memory that all of them wrote,
 * and its lock files name a pid that is not free yet, or somebody else's by now. `runs` tells of a living one, whose files
 * are left alone.
 */
export async function awaitVacancy(data: string, socket: string, runs: () => boolean): Promise<void> {
  const files = [join(data, "postmaster.pid"), `${socket}.lock`]
  const left = files.map(contentOf)
  const begun = performance.now()
  await until(
    () => {
      const pids = runs() ? [] : processesIn(data)
      if (pids.length === 0) return true
      const waited = performance.now() - begun
      if (waited > askedAfterMs) for (const pid of pids) end(pid, waited > killedAfterMs ? "SIGKILL" : "SIGQUIT")
      return null
    },
    { seconds: 20, otherwise: () => `Processes of a PostgreSQL that was killed do not end: ${processesIn(data)}.` },
  )
  if (runs()) return
  for (const [index, file] of files.entries()) if (contentOf(file) === left[index]) rmSync(file, { force: true })
}

function contentOf(file: string): string {
  return existsSync(file) ? readFileSync(file, "utf8") : ""
}

function end(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error
  }
}
