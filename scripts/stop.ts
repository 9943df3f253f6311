/** `npm stop`: stops what was started from this state folder, tenants included, and nothing else. */
import { Installation } from "./lib/installation.ts"
import { noOdoo } from "./lib/odoo.ts"
import { stateFolder } from "./lib/paths.ts"
import { showProgress } from "./lib/progress.ts"
import { loadEnvFile } from "./lib/settings.ts"
import { rememberedSettings } from "./lib/state-folder.ts"

loadEnvFile()
// With the settings that it was started with, whatever is set now.
const settings = rememberedSettings(stateFolder())
const progress = showProgress()
try {
  if (settings === null) {
    console.log(`There is nothing to stop: ${stateFolder()} holds no installation.`)
  } else {
    const installation = await Installation.open(settings, noOdoo)
    const stopped = await installation.stop(progress)
    console.log(stopped.length > 0 ? "Stopped. npm start brings it back, with all data." : "Nothing was running.")
  }
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : error}`)
  process.exit(1)
}
