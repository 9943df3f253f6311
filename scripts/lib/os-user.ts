/** Who runs what. As root, servers run as users that may do less. */
import { userInfo } from "node:os"
import { CommandFailed, run } from "./commands.ts"

export interface OsUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

export const isRoot = process.getuid?.() === 0

/** Bring a command line to run as `user`: unchanged when that is who we are. */
export function asUser(user: OsUser, command: string, args: readonly string[]): [string, string[]] {
  if (user.uid === process.getuid?.()) return [command, [...args]]
  const drop = [`--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups", "--", command, ...args]
  return ["setpriv", drop]
}

export function currentUser(): OsUser {
  try {
    const { username: name, uid, gid } = userInfo()
    return { name, uid, gid }
  } catch (error) {
    if (!(error instanceof Error && "code" in error && /ENOENT/.test(error.message))) throw error
    const uid = process.getuid?.()
    throw new Error(
      `Your user (uid ${uid}) has no name, and PostgreSQL refuses to run as such a one. Give it one: useradd -u ${uid} NAME`,
    )
  }
}

/** PostgreSQL refuses to run as root, so root lends it the `postgres` user that Debian's package makes. */
export async function databaseUser(): Promise<OsUser> {
  if (!isRoot) return currentUser()
  try {
    const [name, , uid, gid] = (await run("getent", ["passwd", "postgres"])).trim().split(":")
    if (name && uid && gid) return { name, uid: Number(uid), gid: Number(gid) }
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error
  }
  throw new Error("There is no user `postgres` to run PostgreSQL as. Install PostgreSQL: apt-get install postgresql-15")
}
