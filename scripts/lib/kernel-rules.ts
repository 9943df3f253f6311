/**
 * What the sidecar leaves in the kernel for the tenants of one installation: the firewall's table and the cgroups.
 * They have no process that could be stopped.
 */
import { existsSync, readdirSync, rmdirSync } from "node:fs"
import { join } from "node:path"
import { tryRun } from "./commands.ts"
import { isRoot } from "./os-user.ts"
import { until } from "./until.ts"

/** Named as in sidecar/drivers/process/open.ts. */
export async function removeKernelRules(uidBase: number): Promise<void> {
  if (!isRoot) return
  const name = `odoo_saas_${uidBase}`
  const listed = await tryRun("nft", ["list", "table", "inet", name])
  if (listed.code === 0) await tryRun("nft", ["delete", "table", "inet", name])
  for (const controller of ["", "memory", "cpu", "pids"]) {
    const folder = join("/sys/fs/cgroup", controller, name)
    // A process that has ended may be in its group for another moment.
    await until(() => (removeEmpty(folder) ? true : null), {
      seconds: 20,
      otherwise: () => `There are processes left in the cgroup ${folder}. End them, then run npm stop again.`,
    })
  }
}

/** A cgroup goes when nothing is in it; its files are no files. False while something is. */
export function removeEmpty(folder: string): boolean {
  if (!existsSync(folder)) return true
  const groups = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  if (!groups.every(({ name }) => removeEmpty(join(folder, name)))) return false
  try {
    rmdirSync(folder)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EBUSY") return false
    throw error
  }
}
