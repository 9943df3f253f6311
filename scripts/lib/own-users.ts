/**
 * The users that an installation which was started by root has for itself: they have no name, only a number, and nobody
 * else's process ever has one of these. A process that has left everything else behind is still known by it.
 */
import { readdirSync, readFileSync } from "node:fs"
import { run } from "./commands.ts"
import { isRoot } from "./os-user.ts"
import { until } from "./until.ts"

export interface UserRange {
  readonly first: number
  readonly last: number
}

/** Seats of a /16 above the base; the base itself builds templates. */
const lastSeat = 65_534

export function tenantUsers(uidBase: number): UserRange {
  return { first: uidBase, last: uidBase + lastSeat }
}

export function masterUser(uidBase: number): UserRange {
  return { first: uidBase - 1, last: uidBase - 1 }
}

/** How many processes of those users there are; none where we are not root and all is run as ourselves. */
export function processesOf(users: UserRange): number {
  return usersAtWork(users).length
}

/** Ends every process of those users, however it was started. */
export async function endProcessesOf(users: UserRange): Promise<void> {
  await until(
    async () => {
      const found = new Set(usersAtWork(users))
      await Promise.all([...found].map(killAllOf))
      return found.size === 0 ? true : null
    },
    { seconds: 20, otherwise: () => `Processes of users ${users.first} to ${users.last} do not end.` },
  )
}

/** All at once and as that user: none can fork itself past it, and nobody else is met. */
async function killAllOf(uid: number): Promise<void> {
  const become = [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--"]
  // Where the last one has just ended, there is nobody to signal.
  await run("setpriv", [...become, "sh", "-c", "kill -s KILL -- -1 2>/dev/null || true"], { cwd: "/" })
}

/** The user of each process. */
function usersAtWork({ first, last }: UserRange): number[] {
  if (!isRoot) return []
  return readdirSync("/proc").flatMap((name) => {
    const uid = /^\d+$/.test(name) ? userOf(name) : null
    return uid !== null && uid >= first && uid <= last ? [uid] : []
  })
}

/** null for one that has ended. Not by the owner of its folder: a process can give that to root. */
function userOf(pid: string): number | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8")
    const uid = /^Uid:\t(\d+)/m.exec(status)?.[1]
    return uid === undefined || /^State:\t[ZX]/m.test(status) ? null : Number(uid)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "ENOENT" || code === "ESRCH") return null
    throw error
  }
}
