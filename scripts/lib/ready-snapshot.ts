/** For tests: a stopped installation whose master has a plan and whose template for it is built. */
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { fingerprintOf } from "./fingerprints.ts"
import { Installation } from "./installation.ts"
import { undoable } from "./interrupts.ts"
import { signOn } from "./master-rpc.ts"
import { masterCode } from "./master-snapshot.ts"
import type { Odoo } from "./odoo.ts"
import type { InstallationSettings } from "./parts.ts"
import { repo } from "./paths.ts"
import type { Progress } from "./progress.ts"
import { ensureSnapshot } from "./snapshots.ts"
import { markName } from "./state-folder.ts"
import { awaitTemplates } from "./templates.ts"

/** Raise it when snapshots made by an older version of this code must not be used any more. */
const format = 1

/** The parts of a state folder that a copy is made of; all others belong to what runs. */
const kept = new Set([markName, "master", "postgres", "secrets"])

export function readySnapshot(
  odoo: Odoo,
  places: Omit<InstallationSettings, "stateDir">,
  progress: Progress,
): Promise<string> {
  const code = ["addons/saas_tenant", "runtime", "sidecar/databases"].map((name) => join(repo, name))
  const key = fingerprintOf(code.filter(existsSync), String(format), masterCode(), odoo.version, odoo.pythonPath)
  return ensureSnapshot("ready", key, async (stateDir) => {
    const installation = await Installation.open({ ...places, stateDir }, odoo)
    const stop = () => installation.stop(progress)
    await undoable(stop, async () => {
      try {
        await installation.prepare(progress)
        await installation.startMaster(progress)
        await installation.startSidecar(progress)
        const { master, secrets } = installation
        await awaitTemplates(await signOn(master.socket, secrets.read("admin-password")), progress)
      } finally {
        await stop()
      }
    })
    for (const name of readdirSync(stateDir)) if (!kept.has(name)) rmSync(join(stateDir, name), { recursive: true })
    mkdirSync(join(stateDir, "run"), { mode: 0o700 })
  })
}
