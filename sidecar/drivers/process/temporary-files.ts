/**
 * Temporary files of tenants, who have them where the machine has its own (runtime/holder/view.py), and in the storage
 * that is counted as theirs. Every start has a new folder: none is emptied under a process that runs.
 */
import { chown, mkdir, mkdtemp, readdir } from "node:fs/promises"
import { join } from "node:path"
import { execa } from "execa"
import type { TenantId } from "../../domain/tenant.ts"
import type { Layout } from "./layout.ts"
import { missingIs } from "./records.ts"

export class TemporaryFiles {
  readonly #layout: Layout

  constructor(layout: Layout) {
    this.#layout = layout
  }

  /** An empty folder for one start; null where the tenant has no user of its own, and so no place of its own. */
  async make(tenant: TenantId, uid: number | null): Promise<string | null> {
    if (uid === null) return null
    const folder = this.#layout.temporary(tenant)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const made = await mkdtemp(join(folder, "start-"))
    await chown(made, uid, uid)
    return made
  }

  /** Removes what other starts have left, however deep it is; null keeps nothing. */
  async keepOnly(tenant: TenantId, kept: string | null): Promise<void> {
    const folder = this.#layout.temporary(tenant)
    const names = await readdir(folder).catch(missingIs([]))
    await remove(names.map((name) => join(folder, name)).filter((path) => path !== kept))
  }

  /** Nothing was started with it. */
  async discard(made: string | null): Promise<void> {
    if (made !== null) await remove([made])
  }
}

async function remove(folders: readonly string[]): Promise<void> {
  if (folders.length > 0) await execa("rm", ["-rf", "--", ...folders])
}
