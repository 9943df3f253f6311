/** A tenant's folder: filestore, sessions and log. The tenant's user writes in it and cannot leave it. */
import { chmod, chown, readdir, stat } from "node:fs/promises"
import { dirname } from "node:path"
import { execa } from "execa"
import { ensureFolder } from "../../backups/folder.ts"
import type { Guard } from "../../databases/servers.ts"
import { RetryableError } from "../../domain/errors.ts"
import { isTenantId } from "../../domain/names.ts"
import type { TenantId, TenantSpec } from "../../domain/tenant.ts"
import type { Fence, Files } from "../driver.ts"
import type { Layout } from "./layout.ts"
import type { Places } from "./place.ts"

export class ProcessFiles implements Files {
  readonly #layout: Layout
  readonly #places: Places
  readonly #guard: Guard

  constructor(layout: Layout, places: Places, guard: Guard) {
    this.#layout = layout
    this.#places = places
    this.#guard = guard
  }

  async ensure(spec: TenantSpec, fence: Fence): Promise<void> {
    await this.#guard.check(fence)
    const { uid } = await this.#places.take(spec.id)
    const folder = this.#layout.tenant(spec.id)
    await ensureFolder(this.#layout.tenants)
    // To pass through, not to list: nobody learns here who else there is.
    await chmod(this.#layout.tenants, 0o711)
    await ensureFolder(folder)
    // Log first and data last: where data is, all of it is.
    for (const path of [dirname(this.#layout.log(spec.id)), this.#layout.data(spec.id)]) {
      await ensureFolder(path, 0o700)
      if (uid !== null) await chown(path, uid, uid)
    }
    await chmod(folder, 0o750)
    if (uid !== null) await chown(folder, 0, uid)
  }

  async observe(tenant: TenantId): Promise<"absent" | "present"> {
    return (await isThere(this.#layout.data(tenant))) ? "present" : "absent"
  }

  /** Every tenant that has a folder. */
  async list(): Promise<TenantId[]> {
    return (await readdir(this.#layout.tenants).catch(missingIsEmpty)).filter(isTenantId)
  }

  async usage(tenant: TenantId): Promise<number> {
    // Its log and its temporary files, too: what it hides there fills the same disk.
    const folders = [this.#layout.data(tenant), dirname(this.#layout.log(tenant)), this.#layout.temporary(tenant)]
    const bytes = await Promise.all(folders.map(bytesBelow))
    return Math.ceil(bytes.reduce((sum, one) => sum + one, 0) / 1024 / 1024)
  }

  async remove(fence: Fence): Promise<void> {
    await this.#guard.check(fence)
    // Not Node's own: that goes by whole paths, and a tenant can make deeper ones than a path may be long.
    await execa("rm", ["-rf", "--", this.#layout.tenant(fence.tenant)])
  }
}

/**
 * On disk. Links are counted as themselves: what they lead to is not the tenant's. An empty file counts as much as a
 * small one: it takes an inode of everybody's disk.
 */
export async function bytesBelow(path: string): Promise<number> {
  if (!(await isThere(path))) return 0
  const [bytes, inodes] = await Promise.all([total(path, "--block-size=1"), total(path, "--inodes")])
  return Math.max(bytes, inodes * smallestFile)
}

const smallestFile = 4096

/** `du` goes from folder to folder, however deep they are, and survives that files come and go meanwhile. */
async function total(path: string, unit: "--block-size=1" | "--inodes"): Promise<number> {
  const { stdout, stderr } = await execa("du", ["-s", unit, "--", path], { reject: false })
  const found = /^\d+/.exec(stdout)?.[0]
  if (found === undefined) throw new RetryableError(`What lies in ${path} cannot be measured: ${stderr.trim()}`)
  return Number(found)
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(missingIsNull)) !== null
}

function missingIsNull(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null
  throw error
}

function missingIsEmpty(error: NodeJS.ErrnoException): string[] {
  if (error.code === "ENOENT") return []
  throw error
}
