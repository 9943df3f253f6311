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
/** How often somebody who is gone at every look is looked for; most are other people's short commands. */
const mostHidden = 50

export function tenantUsers(uidBase: number): UserRange {
  return { first: uidBase, last: uidBase + lastSeat }
}

export function masterUser(uidBase: number): UserRange {
  return { first: uidBase - 1, last: uidBase - 1 }
}

/**
 * Ends every process of those users, however it was started; none where we are not root and all is run as ourselves.
 * Resolves with whether there was any.
 */
export async function endProcessesOf(users: UserRange): Promise<boolean> {
  const killed = new Set<number>()
  let any = false
  let hidden = 0
  await until(
    async () => {
      const { working, ended, missed } = look(users)
      // One that forks and ends all the time is seen after its end only, or not at all.
      const found = new Set([...working, ...ended.filter((uid) => !killed.has(uid))])
      any ||= working.length > 0
      await Promise.all([...found].map(killAllOf))
      for (const uid of found) killed.add(uid)
      if (found.size > 0) return null
      return !missed || ++hidden === mostHidden ? true : null
    },
    { seconds: 20, every: 20, otherwise: () => `Processes of users ${users.first} to ${users.last} do not end.` },
  )
  return any
}

/** All at once and as that user: none can fork itself past it, and nobody else is met. */
async function killAllOf(uid: number): Promise<void> {
  const become = [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--"]
  // Where the last one has just ended, there is nobody to signal.
  await run("setpriv", [...become, "sh", "-c", "kill -s KILL -- -1 2>/dev/null || true"], { cwd: "/" })
}

interface Looked {
  /** The user of each process that goes on. */
  readonly working: readonly number[]
  /** Of each that has ended, and that its parent has not collected yet. */
  readonly ended: readonly number[]
  /** Some were gone before they were looked at, whosoever they were. */
  readonly missed: boolean
}

function look({ first, last }: UserRange): Looked {
  const names = isRoot ? readdirSync("/proc").filter((name) => /^\d+$/.test(name)) : []
  const seen = names.map(processOf)
  const ours = seen.filter((process) => process !== null).filter(({ uid }) => uid >= first && uid <= last)
  const usersOf = (hasEnded: boolean) => ours.filter(({ ended }) => ended === hasEnded).map(({ uid }) => uid)
  return { working: usersOf(false), ended: usersOf(true), missed: seen.includes(null) }
}

/** null for one that is gone. Not by the owner of its folder: a process can give that to root. */
function processOf(pid: string): { uid: number; ended: boolean } | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8")
    const uid = /^Uid:\t(\d+)/m.exec(status)?.[1]
    return uid === undefined ? null : { uid: Number(uid), ended: /^State:\t[ZX]/m.test(status) }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "ENOENT" || code === "ESRCH") return null
    throw error
  }
}
