/** `npm stop`: stops what was started from this state folder, tenants included, and nothing else. */
import { existsSync } from "node:fs"
import { Installation } from "./lib/installation.ts"
import { ensureOdoo, unpackedOdoo } from "./lib/odoo.ts"
import { showProgress } from "./lib/progress.ts"
import { loadEnvFile, startSettings } from "./lib/settings.ts"
import { rememberedSettings } from "./lib/state-folder.ts"

loadEnvFile()
const asked = startSettings()
const settings = rememberedSettings(asked.stateDir) ?? asked
const progress = showProgress()
if (!existsSync(settings.stateDir) || (unpackedOdoo() === null && !process.env.ODOO_BIN)) {
  console.log(`There is nothing to stop: ${settings.stateDir} holds no installation.`)
} else {
  const installation = await Installation.open(settings, await ensureOdoo(progress))
  const stopped = await installation.stop(progress)
  console.log(stopped.length > 0 ? "Stopped. npm start brings it back, with all data." : "Nothing was running.")
}
