/**
 * What the sidecar leaves in the kernel for the tenants of one installation: the firewall's table and the cgroups.
 * They have no process that could be stopped.
 */
import { existsSync, readdirSync, rmdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { tryRun } from "./commands.ts"
import { isRoot } from "./os-user.ts"

/** Named as in sidecar/drivers/process/open.ts. */
export async function removeKernelRules(uidBase: number): Promise<void> {
  if (!isRoot) return
  const name = `odoo_saas_${uidBase}`
  const listed = await tryRun("nft", ["list", "table", "inet", name])
  if (listed.code === 0) await tryRun("nft", ["delete", "table", "inet", name])
  for (const parent of ["/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/cpu"])
    removeEmpty(join(parent, name))
}

/** A cgroup goes when nothing is in it; its files are no files. */
function removeEmpty(folder: string): void {
  if (!existsSync(folder)) return
  for (const child of readdirSync(folder)) {
    const path = join(folder, child)
    if (statSync(path).isDirectory()) removeEmpty(path)
  }
  rmdirSync(folder)
}
