/**
 * Databases that take long to make are kept stopped in the cache, as folders, and copied: a new installation and
 * every test suite start from there. A snapshot appears complete or not at all.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from "node:fs"
import { join } from "node:path"
import { run } from "./commands.ts"
import { endAllIn } from "./ended-run.ts"
import { undoable } from "./interrupts.ts"
import { withLock } from "./locks.ts"
import { ToDo } from "./packages.ts"
import { cacheFolder } from "./paths.ts"
import { findPostgres, majorVersion } from "./postgres.ts"

/** Of each kind; the least recently used go first. */
const kept = 2

/** A build that was cut short leaves its folder behind; none takes so long. */
const staleMs = 3 * 3_600_000

function snapshots(): string {
  const folder = join(cacheFolder(), "snapshots")
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  return folder
}

/** `build` fills a new folder. Returns the folder of the snapshot. */
export async function ensureSnapshot(
  kind: string,
  key: string,
  build: (folder: string) => Promise<void>,
): Promise<string> {
  const bin = findPostgres()
  if (bin === null) throw new ToDo("PostgreSQL 15 or newer is not installed. npm run doctor says how to get it.")
  // A cluster of one PostgreSQL is not read by the next.
  const folder = join(snapshots(), `${kind}-${key}-${majorVersion(bin)}`)
  await withLock(`${folder}.lock`, async () => {
    if (existsSync(folder)) return
    const work = mkdtempSync(join(snapshots(), ".new-"))
    const remove = async () => {
      await endAllIn(work)
      rmSync(work, { recursive: true, force: true, maxRetries: 10 })
    }
    await undoable(remove, async () => {
      try {
        await run("chmod", ["711", work])
        await build(work)
        renameSync(work, folder)
      } finally {
        await remove()
      }
    })
    prune(kind, folder)
  })
  utimesSync(folder, new Date(), new Date())
  return folder
}

function prune(kind: string, current: string): void {
  const mine = readdirSync(snapshots()).filter((name) => new RegExp(`^${kind}-[0-9a-f]+-\\d+$`).test(name))
  const paths = mine.map((name) => join(snapshots(), name)).filter((path) => path !== current)
  removeStale(snapshots(), ".new-")
  const oldest = paths.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs).slice(kept - 1)
  for (const path of oldest) rmSync(path, { recursive: true, force: true })
}

/** What was being made when its maker was killed; whatever is younger may still be worked on. */
export function removeStale(folder: string, prefix: string): void {
  for (const name of readdirSync(folder).filter((name) => name.startsWith(prefix))) {
    const path = join(folder, name)
    if (Date.now() - statSync(path).mtimeMs > staleMs) rmSync(path, { recursive: true, force: true })
  }
}

/** Copies the folder's content, owners and all, sharing the blocks where the file system can. */
export async function copyTree(from: string, to: string): Promise<void> {
  mkdirSync(to, { recursive: true, mode: 0o711 })
  await run("cp", ["-a", "--reflink=auto", `${from}/.`, to])
}
