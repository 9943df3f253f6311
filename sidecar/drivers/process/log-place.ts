/** The place of a tenant's log, in a folder where the tenant does as it likes, so that its Odoo can begin all the same. */
import { randomBytes } from "node:crypto"
import type { Stats } from "node:fs"
import { chmod, lstat, rename } from "node:fs/promises"
import { dirname } from "node:path"

/**
 * A link, a pipe or a folder in place of the log, and a file that its user may not write, are put aside: its Odoo would not
 * begin. Nothing is followed, and whatever was there stays the tenant's. `folders` are the tenant's own, in a folder of ours.
 */
export async function clearLogPlace(log: string, folders: readonly string[], uid: number | null): Promise<void> {
  for (const folder of [dirname(log), ...folders]) await chmod(folder, 0o700).catch(missingIsNull)
  const found = await lstat(log).catch(missingIsNull)
  if (found === null || isLog(found, uid ?? process.getuid?.() ?? found.uid)) return
  await rename(log, `${log}.aside-${randomBytes(4).toString("hex")}`)
}

function isLog(found: Stats, uid: number): boolean {
  return found.isFile() && found.uid === uid && (found.mode & 0o600) === 0o600
}

function missingIsNull(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null
  throw error
}
