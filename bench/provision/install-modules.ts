/** What others do for a new customer: an empty database, the modules installed into it, and an Odoo started on it. */
import { randomBytes } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { execa } from "execa"
import { repo } from "../../scripts/lib/paths.ts"
import { pickFree } from "../../scripts/lib/ports.ts"
import type { Installation } from "../../tests/helpers/installation.ts"
import type { Master } from "../../tests/helpers/master.ts"
import type { Session } from "../lib/benchmark.ts"
import type { CleanUp } from "../lib/clean-up.ts"
import type { Measurement } from "../lib/measurement.ts"
import { inRounds } from "../lib/rounds.ts"
import { loginPage } from "./login-page.ts"
import type { World } from "./world.ts"

const rounds = 2

export async function installModules({ it, master }: World, session: Session): Promise<Measurement[]> {
  const modules = await modulesOfPlan(master)
  const values = await inRounds(rounds, session, (round, cleanUp) =>
    installOnce(it, `others_${round}`, modules, cleanUp),
  )
  return [{ name: "install-modules", unit: "s", values }]
}

/** Those that the customers get who are measured beside it. */
export async function modulesOfPlan(master: Master): Promise<string> {
  const plans = await master.search<{ saas_module_names: string }>(
    "product.template",
    [["is_saas_plan", "=", true]],
    ["saas_module_names"],
    1,
  )
  if (!plans[0]) throw new Error("There is no plan")
  return plans[0].saas_module_names
}

async function installOnce(it: Installation, database: string, modules: string, cleanUp: CleanUp): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "saas-bench-"))
  cleanUp.defer(async () => rmSync(folder, { recursive: true, force: true }))
  const password = randomBytes(12).toString("hex")
  const port = await pickFree(18_000, 18_999)
  const conf = join(folder, "odoo.conf")
  writeFileSync(conf, confOf(it, { database, password, folder, port }), { mode: 0o600 })
  await it.postgres.query("postgres", (client) => client.query(`CREATE ROLE ${database} LOGIN PASSWORD '${password}'`))
  cleanUp.defer(() =>
    it.postgres.query("postgres", async (client) => {
      await client.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)
      await client.query(`DROP ROLE ${database}`)
    }),
  )
  const odoo = (...args: string[]) => {
    const env = { PATH: process.env.PATH ?? "", HOME: folder, PYTHONPATH: it.odoo.pythonPath }
    const launch = join(repo, "runtime", "launch.py")
    return execa(it.odoo.python, [launch, "-c", conf, ...args], { env, extendEnv: false, all: true, reject: false })
  }

  const begun = performance.now()
  await it.postgres.query("postgres", (client) =>
    client.query(`CREATE DATABASE ${database} OWNER ${database} TEMPLATE template0`),
  )
  await it.postgres.query(database, (client) => client.query("CREATE EXTENSION pg_trgm"))
  const installing = odoo("-i", modules, "--stop-after-init")
  cleanUp.defer(() => ended(installing))
  const { exitCode, all } = await installing
  if (exitCode !== 0) throw new Error(`Odoo could not install ${modules}:\n${all.split("\n").slice(-20).join("\n")}`)
  const serving = odoo()
  cleanUp.defer(() => ended(serving))
  await loginPage(`http://localhost:${port}`)
  return (performance.now() - begun) / 1000
}

async function ended(odoo: PromiseLike<unknown> & { kill(signal: "SIGTERM"): boolean }): Promise<void> {
  odoo.kill("SIGTERM")
  await odoo
}

function confOf(
  it: Installation,
  own: { readonly database: string; readonly password: string; readonly folder: string; readonly port: number },
): string {
  const options = {
    addons_path: it.odoo.addonsPath.join(","),
    data_dir: own.folder,
    db_host: it.postgres.sockets,
    db_name: own.database,
    db_password: own.password,
    db_port: it.ports.postgres,
    db_user: own.database,
    http_interface: "127.0.0.1",
    http_port: own.port,
    list_db: "False",
    max_cron_threads: 1,
    with_demo: "False",
    workers: 0,
  }
  const lines = Object.entries(options).map(([name, value]) => `${name} = ${value}`)
  return `[options]\n${lines.join("\n")}\n`
}
