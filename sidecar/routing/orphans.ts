/**
 * Workers whose master was killed: they serve on, by a map that nobody changes any more, and hold the port that the next
 * master needs.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { join } from "node:path"

/** Pids of the workers that write into the logs of this nginx; to be called while its master is away. */
export function orphanedWorkers(folder: string): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name))
  return pids.filter((pid) => isWorker(pid) && writesBelow(pid, join(folder, "logs"))).map(Number)
}

function isWorker(pid: string): boolean {
  return unlessGone(() => readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("nginx: worker process"), false)
}

function writesBelow(pid: string, folder: string): boolean {
  const links = unlessGone(() => readdirSync(`/proc/${pid}/fd`), [])
  return links.some((fd) => unlessGone(() => readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith(`${folder}/`), false))
}

/** What ended meanwhile is not there, and what belongs to another user is not ours. */
function unlessGone<T>(look: () => T, otherwise: T): T {
  try {
    return look()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code && ["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(code)) return otherwise
    throw error
  }
}
