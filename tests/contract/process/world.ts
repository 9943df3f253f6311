/** The process driver on this machine, with a real PostgreSQL, a real nginx and a real Odoo. */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { pino } from "pino"
import { fingerprintOf } from "../../../scripts/lib/fingerprints.ts"
import { Installation as RealInstallation } from "../../../scripts/lib/installation.ts"
import { undoable } from "../../../scripts/lib/interrupts.ts"
import type { Odoo } from "../../../scripts/lib/odoo.ts"
import type { InstallationSettings } from "../../../scripts/lib/parts.ts"
import { repo } from "../../../scripts/lib/paths.ts"
import { silent } from "../../../scripts/lib/progress.ts"
import { ensureSnapshot } from "../../../scripts/lib/snapshots.ts"
import { markName } from "../../../scripts/lib/state-folder.ts"
import { readConfig } from "../../../sidecar/config.ts"
import type { TenantId } from "../../../sidecar/domain/tenant.ts"
import type { LoopbackEndpoint } from "../../../sidecar/drivers/process/endpoint.ts"
import { openProcess } from "../../../sidecar/target.ts"
import { type Installation, makeInstallation } from "../../helpers/installation.ts"
import { visit } from "../../helpers/tenant.ts"
import { until } from "../../helpers/wait.ts"
import { looksInto } from "../conformance/own-postgres.ts"
import { type Driver, fenceOf, installationId, template, type World } from "../conformance/world.ts"

export interface ProcessWorld extends World<LoopbackEndpoint> {
  readonly installation: Installation
  pidOf(tenant: TenantId): Promise<number | null>
}

export async function makeProcessWorld(): Promise<ProcessWorld> {
  const installation = await makeInstallation("contract", {
    parts: "database",
    startFrom: (places, odoo) => templateSnapshot(odoo, places),
  })
  const opened: Driver<LoopbackEndpoint>[] = []
  const open = async () => {
    const driver = await openDriver(installation.sidecarEnv())
    opened.push(driver)
    return driver
  }
  try {
    const driver = await open()
    await driver.templates.build(template, fenceOf(`tpl_${template.key}`))
    return worldOf(installation, driver, open, async () => {
      for (const { target, databases } of opened) {
        await target.close()
        await databases.close()
      }
      await installation.destroy()
    })
  } catch (error) {
    await installation.destroy()
    throw error
  }
}

function worldOf(
  installation: Installation,
  driver: Driver<LoopbackEndpoint>,
  another: () => Promise<Driver<LoopbackEndpoint>>,
  destroy: () => Promise<void>,
): ProcessWorld {
  const { ports, stateDir } = installation
  const pidOf = async (tenant: TenantId) => {
    const conf = join(stateDir, "tenants", tenant, "odoo.conf")
    const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && commandOf(name).includes(conf))
    if (pids.length > 1) throw new Error(`${pids.length} processes serve ${tenant}`)
    return pids[0] === undefined ? null : Number(pids[0])
  }
  return {
    installation,
    driver,
    template,
    domain: "localhost",
    another,
    pidOf,
    visit: (host, path, options = {}) => visit(`http://${host}:${ports.http}${path}`, options),
    incarnation: async (tenant) => {
      const pid = await pidOf(tenant)
      return pid === null ? null : `${pid}`
    },
    crash: async (tenant) => {
      const pid = await pidOf(tenant)
      if (pid === null) throw new Error(`${tenant} does not run`)
      process.kill(pid, "SIGKILL")
      await until("it is gone", async () => !existsSync(`/proc/${pid}`), { seconds: 5, everyMs: 5 })
    },
    ...looksInto(installation),
    destroy,
  }
}

export async function openDriver(environment: Record<string, string>): Promise<Driver<LoopbackEndpoint>> {
  return await openProcess(readConfig(environment), () => installationId, pino({ level: "silent" }))
}

/** A stopped cluster with the template in it: building one takes longer than all that is done with it here. */
export async function templateSnapshot(odoo: Odoo, places: Omit<InstallationSettings, "stateDir">): Promise<string> {
  const made = ["addons/saas_tenant", "runtime", "sidecar/databases"].map((name) => join(repo, name))
  const key = fingerprintOf(made, odoo.version, odoo.pythonPath, JSON.stringify(template))
  return await ensureSnapshot("contract", key, async (stateDir) => {
    const installation = await RealInstallation.open({ ...places, stateDir }, odoo)
    const stop = () => installation.stop(silent)
    await undoable(stop, async () => {
      try {
        await installation.prepareEmpty(silent)
        const driver = await openDriver(installation.sidecarEnv())
        await driver.templates.build(template, fenceOf(`tpl_${template.key}`))
        await driver.target.close()
        await driver.databases.close()
      } finally {
        await stop()
      }
    })
    for (const name of readdirSync(stateDir)) {
      if (name !== "postgres" && name !== markName) rmSync(join(stateDir, name), { recursive: true })
    }
  })
}

/** A process may end between being listed and being read. */
function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8")
  } catch {
    return ""
  }
}
