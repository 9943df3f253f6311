/** `npm run doctor`: what is missing or wrong, and how to get it right. Changes nothing. Exit code 1 if anything is. */
import { existsSync } from "node:fs"
import { Installation } from "./lib/installation.ts"
import { ensureOdoo, unpackedOdoo } from "./lib/odoo.ts"
import { isRoot } from "./lib/os-user.ts"
import { installCommand, missingPackages, wrongPrograms } from "./lib/packages.ts"
import type { InstallationSettings } from "./lib/parts.ts"
import { closedParent } from "./lib/paths.ts"
import { everyAddress, holderOf, isFree } from "./lib/ports.ts"
import { findPostgres } from "./lib/postgres.ts"
import { silent } from "./lib/progress.ts"
import { loadEnvFile, type PortName, portNames, portOf, startSettings } from "./lib/settings.ts"
import { notReadyBecause } from "./lib/sidecar.ts"

let wrong = 0

function good(text: string): void {
  console.log(`  ✓ ${text}`)
}

function bad(text: string, remedy: string): void {
  wrong++
  console.log(`  ✗ ${text}\n      ${remedy.split("\n").join("\n      ")}`)
}

function note(text: string): void {
  console.log(`  · ${text}`)
}

async function packages(): Promise<void> {
  const missing = await missingPackages("run")
  if (missing.length === 0) good("all programs and libraries are there")
  else {
    const names = missing.map(({ name }) => name).join(" ")
    bad(`missing: ${names}`, isRoot ? "npm start installs them" : `run as root: ${installCommand(missing)}`)
  }
  const forTests = (await missingPackages("test")).filter(({ name }) => !missing.some((other) => other.name === name))
  if (forTests.length > 0) note(`for npm test only: ${installCommand(forTests)}`)
}

async function odooIsThere(): Promise<boolean> {
  if (unpackedOdoo() === null && !process.env.ODOO_BIN) {
    bad("there is no Odoo 19 yet", "npm start fetches one (122 MB); or name your own: ODOO_BIN=/path/odoo-bin")
    return false
  }
  const odoo = await ensureOdoo(silent)
  good(`Odoo ${odoo.version} in ${odoo.addonsPath[0]}`)
  return true
}

async function running(installation: Installation): Promise<boolean> {
  const { postgres, master, sidecar, settings } = installation
  const all = [
    { name: "PostgreSQL", pid: postgres.pid(), log: postgres.log },
    { name: "the master Odoo", pid: master.server.pid(), log: master.server.log },
    { name: "the sidecar", pid: sidecar.pid(), log: sidecar.log },
  ]
  if (all.every(({ pid }) => pid === null)) {
    note("it is not running: npm start")
    return false
  }
  for (const { name, pid, log } of all) {
    if (pid !== null) good(`${name} runs (pid ${pid}), log ${log}`)
    else bad(`${name} does not run although others do`, `npm start brings it back; its log: ${log}`)
  }
  const because = await notReadyBecause(settings.ports.sidecar)
  if (because === null) good("the sidecar is ready")
  else bad("the sidecar is not ready", because)
  return true
}

async function freePort(name: PortName): Promise<void> {
  const port = portOf(name)
  const host = name === "HTTP_PORT" ? everyAddress : undefined
  if (await isFree(port, host)) good(`${name} ${port} is free`)
  else
    bad(
      `${name} ${port} is taken by ${holderOf(port, host) ?? "a process only root can see"}`,
      `choose another: ${name}=… npm start`,
    )
}

/** null where they are wrong: what comes after them cannot be looked at. */
function settingsAreRight(): InstallationSettings | null {
  const problems = wrongPrograms()
  let settings: InstallationSettings | null = null
  try {
    settings = startSettings()
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error))
  }
  for (const problem of problems) bad(problem, "change it, or unset it: in the environment, or in .env")
  return problems.length === 0 ? settings : null
}

function end(): never {
  console.log(wrong === 0 ? "\nAll is well." : `\n${wrong} thing${wrong === 1 ? "" : "s"} to mend.`)
  process.exit(wrong === 0 ? 0 : 1)
}

loadEnvFile()
console.log("Machine")
const settings = settingsAreRight() ?? end()
good(`Node ${process.versions.node}`)
if (isRoot) good("root: every tenant gets a user of its own")
else note("not root: tenants on this machine are not isolated from each other")
await packages()
const closed = isRoot ? closedParent(settings.stateDir) : null
if (closed)
  bad(`${closed} lets nobody but its owner pass`, "choose another: SAAS_STATE_DIR=/var/lib/odoo-saas npm start")
const odoo = await odooIsThere()

console.log(`Installation in ${settings.stateDir}`)
if (!existsSync(settings.stateDir)) note("not made yet: npm start")
const known = odoo && findPostgres() !== null
const runs = known && (await running(await Installation.open(settings, await ensureOdoo(silent))))
if (!runs) for (const name of portNames) await freePort(name)
end()
