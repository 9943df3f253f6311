/** How a tenant's Odoo starts and lives, whatever the driver: runtime/launch.py and runtime/holder. */
import { strict as assert } from "node:assert"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { suite } from "uvu"
import { tryRun } from "../../scripts/lib/commands.ts"
import { snapshotOf } from "../../scripts/lib/master-snapshot.ts"
import { ensureOdoo, type Odoo, pythonEnv } from "../../scripts/lib/odoo.ts"
import { makeParts, type Parts } from "../../scripts/lib/parts.ts"
import { repo } from "../../scripts/lib/paths.ts"
import { pickFree } from "../../scripts/lib/ports.ts"
import { silent } from "../../scripts/lib/progress.ts"
import { copyTree } from "../../scripts/lib/snapshots.ts"
import { until } from "../helpers/wait.ts"

const test = suite("the runtime")

const stateDir = mkdtempSync(join(tmpdir(), "saas-runtime-"))
/** A database with Odoo in it, whose role may connect to no other. */
const database = "master"

let odoo: Odoo
let parts: Parts
let port: number
const started: ChildProcess[] = []

test.before(async () => {
  odoo = await ensureOdoo(silent)
  chmodSync(stateDir, 0o711)
  const postgres = await pickFree(18_460, 18_480)
  port = await pickFree(18_481, 18_498)
  const ports = { postgres, master: port, sidecar: 0, http: 0 }
  parts = await makeParts(
    { stateDir, ports, network: "127.66.0.0", uidBase: 200_000, durable: false, demo: false },
    odoo,
  )
  await copyTree(await snapshotOf("base", odoo, silent), stateDir)
  parts.secrets.ensure()
  await parts.postgres.create()
  await parts.postgres.start()
  await parts.postgres.ensureRoles(parts.secrets)
})

test.after(async () => {
  for (const child of started) {
    child.kill("SIGKILL")
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
  }
  await parts.postgres.stop("immediate")
  rmSync(stateDir, { recursive: true })
})

test("the holder keeps its promises", async () => {
  const { code, output } = await tryRun("/usr/bin/python3", ["-m", "unittest", "tests.test_holder"], {
    cwd: join(repo, "runtime"),
    env: { PATH: "/usr/bin:/bin", PYTHONDONTWRITEBYTECODE: "1" },
  })
  assert.equal(code, 0, output)
  assert.match(output, /^Ran [1-9]\d+ tests/m)
  assert.doesNotMatch(output, /skipped=[2-9]/)
})

test("an Odoo lives in its own database, with no other to connect to", async () => {
  await makeJobDue()
  const child = launch()
  await until("it serves", () => answers("/web/health?db_server_status=1"), { seconds: 60 })
  const { rows } = await sql("SELECT DISTINCT datname FROM pg_stat_activity WHERE usename = 'saas_master'")
  assert.deepEqual(rows, [{ datname: database }])
  // Stock Odoo takes its first look after a minute.
  await until("a due job is done at once", jobIsDone, { seconds: 30 })
  await end(child)
})

test("jobs go on after a crash of PostgreSQL", async () => {
  const child = launch()
  await until("it serves", () => answers("/web/health?db_server_status=1"), { seconds: 60 })
  await parts.postgres.stop("immediate")
  assert.equal(await answers("/web/health?db_server_status=1"), false)
  await parts.postgres.start()
  await makeJobDue()
  await until("a due job is done", jobIsDone, { seconds: 30 })
  assert.equal(await answers("/web/login"), true)
  await end(child)
})

test("what is called for another database is refused, and nothing is loaded for it", async () => {
  const child = launch()
  await until("it serves", () => answers("/web/health?db_server_status=1"), { seconds: 60 })
  for (const name of ["postgres", "template1", "saas_operator"]) {
    const response = await fetch(`http://127.0.0.1:${port}/jsonrpc`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        jsonrpc: "2.0",
        method: "call",
        params: { service: "common", method: "authenticate", args: [name, "admin", "admin", {}] },
      }),
    })
    assert.match(await response.text(), /serves one database only/, name)
  }
  await end(child)
})

test("requests for which there is no connection left wait for one", async () => {
  const child = launch({ db_maxconn: "5" })
  await until("it serves", () => answers("/web/health?db_server_status=1"), { seconds: 60 })
  const answered = await Promise.all(Array.from({ length: 100 }, () => answers("/web/login")))
  assert.equal(answered.filter(Boolean).length, 100)
  await end(child)
})

test("a reload ends it, and whoever started it decides", async () => {
  const child = launch()
  await until("it serves", () => answers("/web/health?db_server_status=1"), { seconds: 60 })
  child.kill("SIGHUP")
  const [code] = await once(child, "exit")
  assert.equal(code, 75)
})

test("a database that is not to be had yet is waited for, and a stop waits for nobody", async () => {
  await parts.postgres.query("postgres", (client) => client.query("ALTER ROLE saas_master NOLOGIN"))
  const [patient, stopped] = [launch(), launch({ http_port: String(port + 1) }, "stopped")]
  await Promise.all([waitsForDatabase(patient), waitsForDatabase(stopped)])
  await end(stopped)
  assert.equal(await answers("/web/health"), false)
  await parts.postgres.query("postgres", (client) => client.query("ALTER ROLE saas_master LOGIN"))
  await until("it serves", () => answers("/web/health?db_server_status=1"), { seconds: 60 })
  await end(patient)
})

test("it refuses to start without a database of its own", async () => {
  const config = writeConfig("nameless", { db_name: "" })
  const { code, output } = await tryRun(odoo.python, [join(repo, "runtime/launch.py"), "-c", config], {
    cwd: "/",
    env: pythonEnv(odoo.pythonPath),
  })
  assert.equal(code, 1, output)
  assert.match(output, /set db_name to its name/)
})

function launch(changes: Readonly<Record<string, string>> = {}, name = "odoo"): ChildProcess {
  const child = spawn(odoo.python, [join(repo, "runtime/launch.py"), "-c", writeConfig(name, changes)], {
    cwd: "/",
    env: pythonEnv(odoo.pythonPath),
    stdio: ["ignore", "ignore", "pipe"],
  })
  // Read to its end, whether somebody looks at it or not: a full pipe would hold it up.
  child.stderr?.resume()
  started.push(child)
  return child
}

async function waitsForDatabase({ stderr }: ChildProcess): Promise<void> {
  let told = ""
  stderr?.on("data", (text) => {
    told += text
  })
  await until("it waits for its database", () => /Waiting for the database: .*not permitted to log in/s.test(told), {
    seconds: 60,
  })
}

async function end(child: ChildProcess): Promise<void> {
  child.kill("SIGTERM")
  const [code] = await once(child, "exit")
  assert.equal(code, 0)
}

function writeConfig(name: string, changes: Readonly<Record<string, string>>): string {
  const data = join(stateDir, "data")
  mkdirSync(data, { recursive: true })
  const settings = {
    addons_path: odoo.addonsPath.join(","),
    data_dir: data,
    db_host: "127.0.0.1",
    db_name: database,
    db_password: parts.secrets.read("pg-master-password"),
    db_port: parts.postgres.options.port,
    db_user: "saas_master",
    http_interface: "127.0.0.1",
    http_port: port,
    limit_time_real: 0,
    list_db: "False",
    max_cron_threads: 1,
    ...changes,
  }
  const path = join(stateDir, `${name}.conf`)
  const lines = Object.entries(settings).map(([option, value]) => `${option} = ${value}`)
  writeFileSync(path, `[options]\n${lines.join("\n")}\n`, { mode: 0o600 })
  return path
}

async function answers(path: string): Promise<boolean> {
  return await fetch(`http://127.0.0.1:${port}${path}`).then(
    (response) => response.ok,
    () => false,
  )
}

function sql(statement: string) {
  return parts.postgres.query(database, (client) => client.query(statement))
}

async function makeJobDue(): Promise<void> {
  await sql("UPDATE ir_cron SET nextcall = now() - interval '1 hour', lastcall = NULL WHERE id = 1")
}

async function jobIsDone(): Promise<boolean> {
  return (await sql("SELECT FROM ir_cron WHERE id = 1 AND lastcall IS NOT NULL")).rowCount === 1
}

test.run()
