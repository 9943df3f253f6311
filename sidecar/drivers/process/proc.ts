/** Processes by pid and start time: a pid alone may be somebody else's by now. */
import { readdirSync, readFileSync } from "node:fs"

/** Of the times in /proc, on every machine that Linux tells of them (USER_HZ). */
const ticksASecond = 100

export interface ProcessId {
  readonly pid: number
  /** Field 22 of /proc/<pid>/stat (proc(5)). */
  readonly started: string
}

export function isAlive({ pid, started }: ProcessId): boolean {
  const stat = read(`/proc/${pid}/stat`)
  if (stat === null) return false
  return startIn(stat) === started
}

/** Field 22 of such a text of /proc; null for a process that has ended and that its parent has not collected. */
export function startIn(stat: string): string | null {
  // The name in the second field may itself hold blanks and brackets.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const [state, threads] = [fields[0], Number(fields[17])]
  // Its first thread may have ended before the others, which still have its files and ports.
  const isOver = state === "X" || (state === "Z" && threads <= 1)
  return isOver ? null : (fields[19] ?? null)
}

/** In seconds. */
export function ageOf({ started }: ProcessId): number {
  const uptime = Number((read("/proc/uptime") ?? "0").split(" ")[0])
  return uptime - Number(started) / ticksASecond
}

/** False when it is gone already. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false
    throw error
  }
}

/** Those that have not ended yet. */
export function processesOf(uid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && livesAs(name, uid))
    .map(Number)
}

/** Not by the owner of the folder: a process can give that to root. */
function livesAs(pid: string, uid: number): boolean {
  const status = read(`/proc/${pid}/status`)
  return status !== null && new RegExp(`^Uid:\\t${uid}\\t`, "m").test(status) && !/^State:\t[ZX]/m.test(status)
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8")
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "ENOENT" || code === "ESRCH") return null
    throw error
  }
}
