/** `npm start`: everything that is missing is set up, then all is started. Again and again with the same result. */
import { createInterface } from "node:readline/promises"
import { setTimeout as pause } from "node:timers/promises"
import { buildOwl } from "./build-owl.ts"
import { Installation } from "./lib/installation.ts"
import { undoAll } from "./lib/interrupts.ts"
import { signOn } from "./lib/master-rpc.ts"
import { ensureOdoo, noOdoo } from "./lib/odoo.ts"
import { ensurePackages, ToDo } from "./lib/packages.ts"
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
  const progress = stepByStep(showProgress())
  loadEnvFile()
  const settings = startSettings()
  const foreground = !options.includes("--detach")
  let installation: Installation | null = null
  onInterrupt(async () => {
    await undoAll()
    // What runs in the background goes on, and the next start with it.
    if (foreground && installation !== null) await stopForGood(installation)
  })
  await ensurePackages("run", progress)
  const odoo = await ensureOdoo(progress)
  installation = await Installation.open(settings, odoo)
  if (options.includes("--reset")) await reset(installation, options.includes("--yes"))
  await bringUp(installation, progress, foreground)
  const password = installation.secrets.read("admin-password")
  const ask = await signOn({ url: `http://127.0.0.1:${settings.ports.master}`, password })
  // Everything else works without: its page in the master says more, and has a button to try again.
  const trouble = await awaitTemplates(ask, progress).then(
    () => "",
    (error: Error) => `\n${error.message}\n`,
  )
  if (interrupted) return never

  console.log(`
Ready after ${((performance.now() - begun) / 1000).toFixed(1)} s.

  Your Odoo          ${installation.url}/odoo
  User, password     admin, ${password}
  Customers' Odoos   ${installation.tenantUrl}
  Health             http://127.0.0.1:${settings.ports.sidecar}/readyz
  State and logs     ${settings.stateDir}
${trouble}`)
  if (!foreground) return console.log("It runs in the background. npm stop ends it.")
  console.log("Ctrl-C ends it, tenants included.")
  await watch(installation)
}

async function bringUp(installation: Installation, progress: Progress, foreground: boolean): Promise<void> {
  const ranBefore = installation.isRunning()
  await installation.demandSettings()
  try {
    await progress("build the OWL bundles", () => buildOwl())
    await installation.prepare(progress)
    await installation.startMaster(progress)
    await installation.startSidecar(progress)
  } catch (error) {
    if (foreground && !ranBefore && !interrupted) await installation.stop(showProgress())
    throw error
  }
}

/** A person has asked for the end: nothing begins any more, and what fails from now on fails because of that. */
let interrupted = false
let underWay: Promise<unknown> = Promise.resolve()
/** All is up, and the end is what a person asks for sooner or later. */
let watching = false

const never = new Promise<never>(() => undefined)

function stepByStep(progress: Progress): Progress {
  return (name, work) => {
    if (interrupted) return never
    const step = progress(name, work)
    underWay = step.catch(() => undefined)
    return step
  }
}

/** The step that is under way may start a server just after we have looked for it. */
async function stopForGood(installation: Installation): Promise<void> {
  await installation.stop(showProgress())
  await Promise.race([underWay, pause(5000)])
  if (installation.isRunning()) await installation.stop(showProgress())
}

/** The first request for the end counts; impatient ones after it change nothing. */
function onInterrupt(stop: () => Promise<unknown>): void {
  const end = () => {
    if (interrupted) return
    interrupted = true
    console.log("\nStopping…")
    stop().then(
      () => process.exit(watching ? 0 : 130),
      (error) => {
        interrupted = false
        fail(error)
      },
    )
  }
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end)
}

interface Watched {
  readonly name: string
  readonly pid: () => number | null
  readonly start: () => Promise<void>
  readonly lastWords: () => string
}

/** Says at once when a server ended by itself, and starts it again; gives up on one that keeps ending. */
async function watch({ postgres, master, sidecar }: Installation): Promise<void> {
  const servers: readonly Watched[] = [
    { name: "PostgreSQL", pid: () => postgres.pid(), start: () => postgres.start(), lastWords: () => postgres.log },
    ...[master.server, sidecar].map((server) => ({
      name: server.options.name,
      pid: () => server.pid(),
      start: () => server.start(),
      lastWords: () => server.lastWords(5),
    })),
  ]
  watching = true
  let ends: number[] = []
  for (;;) {
    await pause(1000)
    for (const server of servers) {
      if (interrupted || server.pid() !== null) continue
      ends = [...ends, Date.now()].filter((at) => at > Date.now() - 60_000)
      console.error(`${server.name} ended by itself and is started again. ${server.lastWords()}`)
      if (ends.length > 3) throw new Error("It keeps ending. npm run doctor may say why.")
      await server.start()
    }
  }
}

async function fail(error: unknown): Promise<void> {
  // Whoever stops everything ends the program, too.
  if (interrupted) return never
  console.error(`\n${error instanceof Error ? error.message : error}`)
  if (process.env.DEBUG && error instanceof Error) console.error(error.stack)
  process.exit(1)
}

async function reset(installation: Installation, sure: boolean): Promise<void> {
  const { stateDir } = installation.settings
  if (!sure) {
    if (!process.stdin.isTTY) throw new ToDo("--reset asks before it removes anything. Without a terminal, add --yes.")
    const prompt = createInterface({ input: process.stdin, output: process.stdout })
    // It keeps Ctrl-C to itself.
    prompt.on("SIGINT", () => process.kill(process.pid, "SIGINT"))
    const answer = await prompt.question(`Remove ${stateDir} with all tenants and backups in it? Type yes: `)
    prompt.close()
    if (answer.trim() !== "yes") throw new ToDo("Nothing was changed.")
  }
  const before = rememberedSettings(stateDir) ?? installation.settings
  await (await Installation.open(before, noOdoo)).stop(showProgress())
  installation.remove()
}

await main(process.argv.slice(2)).then(() => process.exit(0), fail)
