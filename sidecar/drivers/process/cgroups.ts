/** Limits of a tenant's processes on memory, CPU and their number, where the machine lets us: cgroup v2, or v1. */
import { access, constants, mkdir, readFile, rmdir, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Limits, TenantId } from "../../domain/tenant.ts"

const root = "/sys/fs/cgroup"
const periodMicroseconds = 100_000
/** Threads count, too: a visitor or an open tab is one. */
const mostProcesses = 1024
const controllers = ["memory", "cpu", "pids"]

type Version = "v1" | "v2"

export class Cgroups {
  readonly #version: Version
  /** Our own group, above those of the tenants. */
  readonly #group: string

  private constructor(version: Version, group: string) {
    this.#version = version
    this.#group = group
  }

  /** null where they cannot be used: no root, or a container that does not hand them on. */
  static async open(group: string): Promise<Cgroups | null> {
    const version = await versionOf()
    if (version === null) return null
    const cgroups = new Cgroups(version, group)
    try {
      await cgroups.#prepare()
      return cgroups
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code && ["EACCES", "EPERM", "EROFS", "ENOENT", "EBUSY", "ENOTSUP", "EOPNOTSUPP"].includes(code)) return null
      throw error
    }
  }

  /** Makes the groups and sets the limits; answers the folders that the process is to join. */
  async ensure(tenant: TenantId, limits: Limits): Promise<string[]> {
    const quota = Math.round((limits.cpuMilli * periodMicroseconds) / 1000)
    const bytes = String(limits.memoryMb * 1024 * 1024)
    if (this.#version === "v2") {
      const folder = join(root, this.#group, tenant)
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, "memory.max"), bytes)
      await writeFile(join(folder, "cpu.max"), `${quota} ${periodMicroseconds}`)
      await writeFile(join(folder, "pids.max"), `${mostProcesses}`)
      return [folder]
    }
    const folders = this.#folders(tenant)
    const [memory, cpu, pids] = folders as [string, string, string]
    for (const folder of folders) await mkdir(folder, { recursive: true })
    await writeFile(join(memory, "memory.limit_in_bytes"), bytes)
    await writeFile(join(cpu, "cpu.cfs_period_us"), String(periodMicroseconds))
    await writeFile(join(cpu, "cpu.cfs_quota_us"), String(quota))
    await writeFile(join(pids, "pids.max"), `${mostProcesses}`)
    return folders
  }

  /** Every process of the tenant, with what it has started itself. */
  async processes(tenant: TenantId): Promise<number[]> {
    const file = join(this.#folders(tenant)[0] as string, "cgroup.procs")
    const text = await readFile(file, "utf8").catch(ignoreMissing(""))
    return text.split("\n").filter(Boolean).map(Number)
  }

  async remove(tenant: TenantId): Promise<void> {
    for (const folder of this.#folders(tenant)) await rmdir(folder).catch(ignoreMissing(undefined))
  }

  async #prepare(): Promise<void> {
    if (this.#version === "v1") {
      for (const folder of this.#folders("")) {
        await mkdir(folder, { recursive: true })
        await access(join(folder, "cgroup.procs"), constants.W_OK)
      }
      return
    }
    await mkdir(join(root, this.#group), { recursive: true })
    for (const folder of [root, join(root, this.#group)]) {
      await writeFile(
        join(folder, "cgroup.subtree_control"),
        controllers.map((controller) => `+${controller}`).join(" "),
      )
    }
  }

  #folders(tenant: string): string[] {
    if (this.#version === "v2") return [join(root, this.#group, tenant)]
    return controllers.map((controller) => join(root, controller, this.#group, tenant))
  }
}

async function versionOf(): Promise<Version | null> {
  if (await isThere(join(root, "cgroup.controllers"))) return "v2"
  const there = await Promise.all(controllers.map((controller) => isThere(join(root, controller))))
  return there.every(Boolean) ? "v1" : null
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}

function ignoreMissing<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === "ENOENT") return value
    throw error
  }
}
