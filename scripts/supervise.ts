/** What `npm start -- --detach` leaves behind: it watches the servers until another command takes charge of them. */
import { handBackCharge, onChargeTaken, takeCharge } from "./lib/charge.ts"
import { Installation } from "./lib/installation.ts"
import { ensureOdoo } from "./lib/odoo.ts"
import { stateFolder } from "./lib/paths.ts"
import { silent } from "./lib/progress.ts"
import { rememberedSettings } from "./lib/state-folder.ts"
import { serversOf, supervise } from "./lib/supervisor.ts"

const settings = rememberedSettings(stateFolder())
if (settings === null) throw new Error(`${stateFolder()} holds no installation to watch.`)
const { stateDir } = settings
const installation = await Installation.open(settings, await ensureOdoo(silent))
const over = new AbortController()
const say = (words: string) => console.log(`${new Date().toISOString()} ${words}`)

onChargeTaken(stateDir, () => over.abort())
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => over.abort())
await takeCharge(stateDir, "watch")
say("Watching PostgreSQL, the master and the sidecar.")
await supervise(serversOf(installation), say, over.signal)
handBackCharge(stateDir)
say("Nothing is watched any more: another command has taken over, or this one was told to end.")
process.exit(0)
