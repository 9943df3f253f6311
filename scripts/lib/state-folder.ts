/** The one folder of an installation. It carries a mark, so that nobody's other files are ever taken for it. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { isRoot } from "./os-user.ts"
import { ToDo } from "./packages.ts"
import type { InstallationSettings } from "./parts.ts"
import { closedParent } from "./paths.ts"

export const markName = ".odoo-saas"
const settingsName = "settings.json"

/** Makes it if it is not there; throws `ToDo` where it cannot serve. */
export function claimStateFolder(stateDir: string): void {
  const closed = isRoot ? closedParent(stateDir) : null
  if (closed !== null) {
    throw new ToDo(
      `${stateDir} cannot be used: servers run as users of their own, and ${closed} lets nobody but its owner pass. ` +
        "Choose a folder for the state that others can pass, such as: SAAS_STATE_DIR=/var/lib/odoo-saas npm start",
    )
  }
  mkdirSync(stateDir, { recursive: true, mode: isRoot ? 0o711 : 0o700 })
  const mark = join(stateDir, markName)
  if (!existsSync(mark)) {
    if (readdirSync(stateDir).length > 0) {
      throw new ToDo(`${stateDir} holds other things already. Choose an empty or a new folder: SAAS_STATE_DIR`)
    }
    writeFileSync(mark, "Everything in this folder belongs to one odoo-saas installation.\n")
  }
}

export function isStateFolder(stateDir: string): boolean {
  return existsSync(join(stateDir, markName))
}

/** So that another command stops what runs, whatever settings it was given itself. */
export function rememberSettings(settings: InstallationSettings): void {
  const file = join(settings.stateDir, settingsName)
  writeFileSync(file, JSON.stringify(settings))
  // Tenants pass through this folder.
  chmodSync(file, 0o600)
}

/** What the installation in that folder was last prepared with; null when it never was. */
export function rememberedSettings(stateDir: string): InstallationSettings | null {
  const file = join(stateDir, settingsName)
  return existsSync(file) ? { ...JSON.parse(readFileSync(file, "utf8")), stateDir } : null
}

export function removeStateFolder(stateDir: string): void {
  if (!existsSync(stateDir)) return
  if (!isStateFolder(stateDir)) {
    throw new ToDo(`${stateDir} was not made by this program, so it is left alone. Remove it yourself if you want to.`)
  }
  rmSync(stateDir, { recursive: true })
}
