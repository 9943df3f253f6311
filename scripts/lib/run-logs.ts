/** Where the logs of a test run are: a folder for each run, since several may be under way, and a link to the latest. */
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs"
import { join } from "node:path"

/** Runs whose logs are there; older ones go, but none that may still be under way. */
const kept = 10
const longestRunMs = 6 * 3_600_000

/** Returns a new folder below `parent`. */
export function makeRunLogs(parent: string): string {
  mkdirSync(parent, { recursive: true, mode: 0o755 })
  // Everybody may write where temporary files are, and could have put a folder or a link there for us.
  const found = lstatSync(parent)
  if (!found.isDirectory() || found.uid !== process.getuid?.()) {
    throw new Error(`${parent} belongs to somebody else. Remove it, or set TMPDIR to a folder of your own.`)
  }
  prune(parent)
  const started = new Date().toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-")
  const folder = mkdtempSync(join(parent, `${started}-`))
  const link = join(parent, `.last-${process.pid}`)
  rmSync(link, { force: true })
  symlinkSync(folder, link)
  renameSync(link, join(parent, "last"))
  return folder
}

function prune(parent: string): void {
  const runs = readdirSync(parent).filter((name) => /^\d{8}-\d{6}-/.test(name))
  for (const path of runs
    .sort()
    .map((name) => join(parent, name))
    .slice(0, -kept + 1)) {
    if (Date.now() - statSync(path).mtimeMs > longestRunMs) rmSync(path, { recursive: true, force: true })
  }
}
