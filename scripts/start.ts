/** `npm start`: everything that is missing is set up, then all is started. Again and again with the same result. */
import { createInterface } from "node:readline/promises"
import { setTimeout as pause } from "node:timers/promises"
import { buildOwl } from "./build-owl.ts"
import { Installation } from "./lib/installation.ts"
import { signOn } from "./lib/master-rpc.ts"
import { ensureOdoo } from "./lib/odoo.ts"
import { ensurePackages, ToDo } from "./lib/packages.ts"
import { isAlive } from "./lib/processes.ts"
import { type Progress, showProgress } from "./lib/progress.ts"
import { loadEnvFile, startSettings } from "./lib/settings.ts"
import { rememberedSettings } from "./lib/state-folder.ts"
import { awaitTemplates } from "./lib/templates.ts"

const usage = `npm start [-- OPTIONS]

  --detach   return when all is ready; npm stop ends it
  --reset    remove this installation with all its data, after asking, and begin anew
  --yes      do not ask
`

const known = ["--detach", "--reset", "--yes"]

async function main(options: readonly string[]): Promise<void> {
  const unknown = options.filter((option) => !known.includes(option))
  if (unknown.length > 0) throw new ToDo(`${unknown.join(" ")} is not known here.\n\n${usage}`)
  const begun = performance.now()
  const progress = showProgress()
  loadEnvFile()
  const settings = startSettings()
  await ensurePackages("run", progress)
  const odoo = await ensureOdoo(progress)
  const installation = await Installation.open(settings, odoo)
  if (options.includes("--reset")) await reset(installation, options.includes("--yes"))

  const stopping = new AbortController()
  const foreground = !options.includes("--detach")
  if (foreground) onInterrupt(stopping, () => installation.stop(progress))
  await bringUp(installation, progress).catch(async (error: unknown) => {
    if (foreground) await installation.stop(progress)
    throw error
  })
  const password = installation.secrets.read("admin-password")
  const ask = await signOn({ url: `http://127.0.0.1:${settings.ports.master}`, password })
  // Everything else works without: its page in the master says more, and has a button to try again.
  const trouble = await awaitTemplates(ask, progress).then(
    () => "",
    (error: Error) => `\n${error.message}\n`,
  )

  console.log(`
Ready after ${((performance.now() - begun) / 1000).toFixed(1)} s.

  Your Odoo          ${installation.url}/odoo
  User, password     admin, ${password}
  Customers' Odoos   http://<address>.localhost:${settings.ports.http}
  Health             http://127.0.0.1:${settings.ports.sidecar}/readyz
  State and logs     ${settings.stateDir}
${trouble}`)
  if (!foreground) return console.log("It runs in the background. npm stop ends it.")
  console.log("Ctrl-C ends it, tenants included.")
  await watch(installation, stopping.signal)
}

async function bringUp(installation: Installation, progress: Progress): Promise<void> {
  await installation.demandPorts()
  await progress("build the OWL bundles", () => buildOwl())
  await installation.prepare(progress)
  await installation.startMaster(progress)
  await installation.startSidecar(progress)
}

/** The first request for the end counts; impatient ones after it change nothing. */
function onInterrupt(stopping: AbortController, stop: () => Promise<unknown>): void {
  const end = () => {
    if (stopping.signal.aborted) return
    stopping.abort()
    console.log("\nStopping…")
    stop().then(() => process.exit(0), fail)
  }
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end)
}

/** Says at once when a server ended by itself, and starts it again; gives up on one that keeps ending. */
async function watch(installation: Installation, stopping: AbortSignal): Promise<void> {
  const servers = [installation.master.server, installation.sidecar]
  const marks = new Map(servers.map((server) => [server, server.mark()]))
  let ends: number[] = []
  for (;;) {
    await pause(1000)
    for (const server of servers) {
      const mark = marks.get(server)
      if (stopping.aborted || (mark && isAlive(mark))) continue
      ends = [...ends, Date.now()].filter((at) => at > Date.now() - 60_000)
      console.error(`${server.options.name} ended by itself and is started again. ${server.lastWords(5)}`)
      if (ends.length > 3) throw new Error("It keeps ending. npm run doctor may say why.")
      await server.start()
      marks.set(server, server.mark())
    }
  }
}

function fail(error: unknown): never {
  console.error(`\n${error instanceof Error ? error.message : error}`)
  if (process.env.DEBUG && error instanceof Error) console.error(error.stack)
  process.exit(1)
}

async function reset(installation: Installation, sure: boolean): Promise<void> {
  const { stateDir } = installation.settings
  if (!sure) {
    if (!process.stdin.isTTY) throw new ToDo("--reset asks before it removes anything. Without a terminal, add --yes.")
    const prompt = createInterface({ input: process.stdin, output: process.stdout })
    const answer = await prompt.question(`Remove ${stateDir} with all tenants and backups in it? Type yes: `)
    prompt.close()
    if (answer.trim() !== "yes") throw new ToDo("Nothing was changed.")
  }
  const before = rememberedSettings(stateDir) ?? installation.settings
  await (await Installation.open(before, installation.odoo)).stop(showProgress())
  installation.remove()
}

await main(process.argv.slice(2)).then(() => process.exit(0), fail)
