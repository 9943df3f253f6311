/** A stopped cluster whose database `master` has saas_master installed, and the filestore that goes with it. */
import { rmSync } from "node:fs"
import { join } from "node:path"
import { writeApplied } from "./applied.ts"
import { fingerprintOf } from "./fingerprints.ts"
import { undoable } from "./interrupts.ts"
import type { Odoo } from "./odoo.ts"
import { makeParts, type Parts } from "./parts.ts"
import { repo } from "./paths.ts"
import { pickFree } from "./ports.ts"
import type { Progress } from "./progress.ts"
import { copyTree, ensureSnapshot } from "./snapshots.ts"

/** What saas_master stands on, in an Odoo of its own. */
const modules = ["crm", "sale_management", "website", "portal", "bus"]

/** Raise it when snapshots made by an older version of this code must not be used any more. */
const format = 2

/** Changes whenever the database has to be upgraded. */
export function masterCode(): string {
  return fingerprintOf([join(repo, "addons/saas_master")])
}

/** `base`: what saas_master stands on. `master`: saas_master on top of that. */
export type SnapshotKind = "base" | "master"

/** Two layers, so that a change of saas_master does not install the rest anew. Returns the folder. */
export async function snapshotOf(kind: SnapshotKind, odoo: Odoo, progress: Progress): Promise<string> {
  const base = fingerprintOf([], String(format), odoo.version, odoo.pythonPath, ...modules)
  if (kind === "base") {
    return ensureSnapshot("base", base, (empty) =>
      change(empty, odoo, ({ master }) =>
        master.modules("-i", modules, progress, "install Odoo's CRM, sales and website"),
      ),
    )
  }
  return ensureSnapshot("master", fingerprintOf([], base, masterCode()), async (folder) => {
    await copyTree(await snapshotOf("base", odoo, progress), folder)
    const code = masterCode()
    await change(folder, odoo, ({ master }) => master.modules("-i", ["saas_master"], progress, "install saas_master"))
    writeApplied(join(folder, "master"), { code, settings: "", own: false })
  })
}

/** Starts what is in the folder, lets `work` change it, stops it, and removes what must not be copied. */
async function change(folder: string, odoo: Odoo, work: (parts: Parts) => Promise<void>): Promise<void> {
  const postgres = await pickFree(20_000, 29_000)
  const ports = { postgres, sidecar: postgres + 1, http: postgres + 2 }
  const settings = { stateDir: folder, ports, network: "127.66.0.0", uidBase: 200_000, durable: false, demo: false }
  const parts = await makeParts(settings, odoo)
  parts.secrets.ensure()
  await undoable(
    () => parts.postgres.stop("immediate"),
    async () => {
      await parts.postgres.create()
      await parts.postgres.start()
      try {
        await parts.postgres.ensureRoles(parts.secrets)
        await parts.master.writeFiles()
        await work(parts)
      } finally {
        await parts.postgres.stop()
      }
    },
  )
  const unwanted = ["secrets", "run", "master/odoo.conf", "master/nudge-token", "master/code", "master/modules.log"]
  for (const name of unwanted) rmSync(join(folder, name), { recursive: true, force: true })
}
