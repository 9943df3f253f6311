/** `npm start`: everything that is missing is set up, then all is started. Again and again with the same result. */
import { createInterface } from "node:readline/promises"
import { setTimeout as pause } from "node:timers/promises"
import { buildOwl } from "./build-owl.ts"
import { handBackCharge, onChargeTaken, type Role, takeCharge } from "./lib/charge.ts"
import { Installation } from "./lib/installation.ts"
import { undoAll } from "./lib/interrupts.ts"
import { signOn } from "./lib/master-rpc.ts"
import { ensureOdoo, fetchOdoo, noOdoo } from "./lib/odoo.ts"
import { isRoot } from "./lib/os-user.ts"
import { ensurePackages, ToDo } from "./lib/packages.ts"
import { type Progress, showProgress } from "./lib/progress.ts"
import { loadEnvFile, startSettings } from "./lib/settings.ts"
import { rememberedSettings } from "./lib/state-folder.ts"
import { serversOf, supervise, supervisorServer } from "./lib/supervisor.ts"
import { awaitFirstTemplate } from "./lib/templates.ts"

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
  await ensureMachine(progress)
  const odoo = await ensureOdoo(progress)
  installation = await Installation.open(settings, odoo)
  onChargeTaken(settings.stateDir, makeWay)
  if (options.includes("--reset")) await reset(installation, options.includes("--yes"))
  await bringUp(installation, progress, foreground)
  const password = installation.secrets.read("admin-password")
  const ask = await signOn(installation.master.socket, password)
  const { later, trouble } = await awaitFirstTemplate(ask, progress).then(
    (names) => ({ later: names, trouble: null }),
    (error: Error) => ({ later: [], trouble: error.message }),
  )
  if (interrupted) return never

  const seconds = ((performance.now() - begun) / 1000).toFixed(1)
  console.log(`
${trouble === null ? `Ready after ${seconds} s.` : `It runs after ${seconds} s, and cannot make customers' Odoos yet.`}

  Your Odoo          ${installation.url}/odoo
  User, password     admin, ${password}
  Customers' Odoos   ${installation.tenantUrl}
  Health             http://127.0.0.1:${settings.ports.sidecar}/readyz
  State and logs     ${settings.stateDir}
`)
  if (later.length > 0) console.log(`Being built in the background: the template of ${later.join(", and of ")}.\n`)
  if (trouble !== null) {
    console.error(`${trouble}\nIts page in the master says more, and has a button to try again.\n`)
    exitCode = 1
  }
  if (foreground) {
    console.log("Ctrl-C ends it, tenants included.")
    await watch(installation)
  } else {
    handBackCharge(settings.stateDir)
    await supervisorServer(settings.stateDir).start()
    console.log("It runs in the background. npm stop ends it.")
  }
}

/** Packages and Odoo come side by side where both are for us to get; who is not root is told what is missing first. */
async function ensureMachine(progress: Progress): Promise<void> {
  const packages = ensurePackages("run", progress)
  if (!isRoot || process.env.ODOO_BIN) return packages
  const outcomes = await Promise.allSettled([packages, fetchOdoo(progress)])
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason
}

async function bringUp(installation: Installation, progress: Progress, foreground: boolean): Promise<void> {
  const ranBefore = installation.isRunning()
  await installation.demandSettings()
  await takeCharge(installation.settings.stateDir, "watch")
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
/** Of a command that comes to its end, or to the watching. */
let exitCode = 0

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
    over.abort()
    console.log("\nStopping…")
    stop().then(
      () => process.exit(watching ? exitCode : 130),
      (error) => {
        interrupted = false
        fail(error)
      },
    )
  }
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end)
}

/** Another command is in charge from now on. What is just being started is seen to its end, or that could not stop it. */
async function makeWay(role: Role): Promise<void> {
  if (interrupted) return
  interrupted = true
  console.log(
    role === "stop"
      ? "\nnpm stop has been called: it stops all of this, and nothing is watched here any more."
      : "\nAnother npm start has taken over: all of this goes on, and is watched there from now on.",
  )
  over.abort()
  await Promise.race([underWay, pause(10_000)])
  process.exit(watching ? exitCode : 130)
}

const over = new AbortController()

// A terminal that is gone, or a pipe that nobody reads, must not end what watches and stops the servers.
for (const out of [process.stdout, process.stderr]) out.on("error", () => undefined)

/** Until this command is ended, whatever becomes of the servers. */
async function watch(installation: Installation): Promise<void> {
  watching = true
  const watched = supervise(serversOf(installation), console.error, over.signal)
  underWay = watched
  await watched
  return never
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

await main(process.argv.slice(2)).then(() => process.exit(exitCode), fail)
