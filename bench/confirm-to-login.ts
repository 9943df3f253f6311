/**
 * From the confirmed quotation to the first login page through nginx, beside what others do in the same run: install
 * the modules into an empty database, then start Odoo on it.
 *
 *     npm run bench -- confirm-to-login [--json]
 */
import { type ChildProcess, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { run } from "../scripts/lib/commands.ts"
import { repo } from "../scripts/lib/paths.ts"
import { pickFree } from "../scripts/lib/ports.ts"
import { type Installation, makeInstallation } from "../tests/helpers/installation.ts"
import { Master } from "../tests/helpers/master.ts"
import { confirmOrder, draftQuotation } from "../tests/helpers/sales.ts"
import { visit } from "../tests/helpers/tenant.ts"
import { until } from "../tests/helpers/wait.ts"

const sales = 10
const installs = 2
const modules = "crm,sale_management,contacts"

interface Row {
  readonly name: string
  readonly runs: number
  readonly p50Ms: number
  readonly p95Ms: number
}

/** From pressing Confirm; the quotation itself was made before. */
async function confirmToLogin(master: Master, slug: string): Promise<number> {
  const order = await draftQuotation(master, { slug })
  const begun = performance.now()
  const tenant = await confirmOrder(master, order)
  await until("the login page", async () => (await visit(`${tenant.url}/web/login`)).status === 200, { everyMs: 20 })
  return performance.now() - begun
}

/** What the field does: an empty database, the modules installed into it, and an Odoo started on it. */
async function installToLogin(it: Installation, name: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "saas-bench-"))
  const port = await pickFree(18_000, 18_999)
  const password = randomBytes(12).toString("hex")
  const conf = join(folder, "odoo.conf")
  const options = {
    ...{ db_name: name, db_user: name, db_password: password, db_host: "127.0.0.1", db_port: it.ports.postgres },
    ...{ addons_path: it.odoo.addonsPath.join(","), data_dir: folder, http_interface: "127.0.0.1", http_port: port },
    ...{ workers: 0, with_demo: "False", max_cron_threads: 1, list_db: "False" },
  }
  const lines = Object.entries(options).map(([key, value]) => `${key} = ${value}`)
  writeFileSync(conf, `[options]\n${lines.join("\n")}\n`, { mode: 0o600 })
  await it.postgres.query("postgres", (client) => client.query(`CREATE ROLE ${name} LOGIN PASSWORD '${password}'`))
  const launch = [join(repo, "runtime", "launch.py"), "-c", conf]
  const env = { PATH: process.env.PATH ?? "", HOME: folder, PYTHONPATH: it.odoo.pythonPath }
  let server: ChildProcess | null = null
  const begun = performance.now()
  try {
    await it.postgres.query("postgres", (client) =>
      client.query(`CREATE DATABASE ${name} OWNER ${name} TEMPLATE template0`),
    )
    await it.postgres.query(name, (client) => client.query("CREATE EXTENSION pg_trgm"))
    await run(it.odoo.python, [...launch, "-i", modules, "--stop-after-init"], { env })
    server = spawn(it.odoo.python, launch, { env, stdio: "ignore" })
    const url = `http://localhost:${port}/web/login`
    await until("the login page", async () => (await visit(url)).status === 200, { everyMs: 20 })
    return performance.now() - begun
  } finally {
    if (server) {
      const gone = once(server, "exit")
      server.kill("SIGTERM")
      await gone
    }
    await it.postgres.query("postgres", async (client) => {
      await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
      await client.query(`DROP ROLE ${name}`)
    })
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measure(name: string, runs: number, one: (number: number) => Promise<number>): Promise<Row> {
  const times: number[] = []
  for (let number = 1; number <= runs; number++) times.push(await one(number))
  times.sort((a, b) => a - b)
  const at = (share: number) => Math.round(times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0)
  return { name, runs, p50Ms: at(0.5), p95Ms: at(0.95) }
}

const it = await makeInstallation("bench", { parts: "all" })
try {
  const master = new Master(it.master)
  const rows = [
    await measure("confirm-to-login", sales, (number) => confirmToLogin(master, `bench-${number}`)),
    await measure("install-to-login", installs, (number) => installToLogin(it, `bench_install_${number}`)),
  ]
  if (process.argv.includes("--json")) console.log(JSON.stringify({ bench: "confirm-to-login", modules, rows }))
  else console.table(Object.fromEntries(rows.map(({ name, ...numbers }) => [name, numbers])))
} finally {
  await it.destroy()
}
