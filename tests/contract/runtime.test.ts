/** How a tenant's Odoo starts and lives, whatever the driver: runtime/launch.py and runtime/holder. */
import { strict as assert } from "node:assert"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { suite } from "uvu"
import { tryRun } from "../../scripts/lib/commands.ts"
import { repo } from "../../scripts/lib/paths.ts"
import { Operator } from "../../sidecar/databases/operator.ts"
import { SilentNetwork } from "../helpers/silent-network.ts"
import { until } from "../helpers/wait.ts"
import { BareOdoo } from "./bare-odoo.ts"
import { doors } from "./doors.ts"

const test = suite("the runtime")

const health = "/web/health?db_server_status=1"
/** Longer than TCP alone would need to go on within `backSeconds`: it sends again after 26 s, and then after 51. */
const silentSeconds = 30
const backSeconds = 10

let bare: BareOdoo

test.before(async () => {
  bare = await BareOdoo.open(18_460)
})

test.after(async () => {
  await bare.close()
})

test("the holder keeps its promises", async () => {
  const { code, output } = await tryRun("/usr/bin/python3", ["-m", "unittest", "discover", "-s", "tests", "-t", "."], {
    cwd: join(repo, "runtime"),
    env: { PATH: "/usr/bin:/bin", PYTHONDONTWRITEBYTECODE: "1" },
  })
  assert.equal(code, 0, output)
  assert.match(output, /^Ran [1-9]\d+ tests/m)
  assert.doesNotMatch(output, /skipped=[2-9]/)
})

test("an Odoo lives in its own database, with no other to connect to", async () => {
  await bare.makeJobDue()
  const child = launch()
  await until("it serves", () => bare.answers(health), { seconds: 60 })
  const { rows } = await bare.sql("SELECT DISTINCT datname FROM pg_stat_activity WHERE usename = 'saas_master'")
  assert.deepEqual(rows, [{ datname: bare.database }])
  // Stock Odoo takes its first look after a minute.
  await until("a due job is done at once", () => bare.jobIsDone(), { seconds: 30 })
  await end(child)
})

test("jobs go on after a crash of PostgreSQL", async () => {
  const child = launch()
  await until("it serves", () => bare.answers(health), { seconds: 60 })
  await bare.parts.postgres.stop("immediate")
  assert.equal(await bare.answers(health), false)
  await bare.parts.postgres.start()
  await bare.makeJobDue()
  await until("a due job is done", () => bare.jobIsDone(), { seconds: 30 })
  assert.equal(await bare.answers("/web/login"), true)
  await end(child)
})

const onlyRoot = process.getuid?.() === 0 ? test : test.skip

onlyRoot("connections that a network has lost are found dead, and all goes on when it is back", async () => {
  const network = await SilentNetwork.before(bare.parts.postgres.socket)
  try {
    const child = launch({ db_host: "127.0.0.1", db_port: String(network.port), db_maxconn: "8" })
    const said = textOf(child)
    await until("it serves", () => bare.answers(health), { seconds: 60 })
    const operator = operatorBehind(network)
    assert.deepEqual(await operator.query("SELECT 1 AS one"), [{ one: 1 }])
    await network.fallSilent()
    const unanswered = operator.query("SELECT 2 AS two").catch((error: Error) => error.message)
    const lost = Promise.all(Array.from({ length: 4 }, () => bare.answers(health)))
    await pass(silentSeconds)
    await network.comeBack()
    await until("it answers", () => bare.answers(health), { seconds: backSeconds })
    await bare.makeJobDue()
    await until("it hears of a due job", () => hearsOfJob(), { seconds: 30 })
    assert.deepEqual(await operator.query("SELECT 3 AS three"), [{ three: 3 }])
    assert.match(String(await unanswered), /PostgreSQL does not serve us right now: Connection terminated/)
    await until("it has said so", () => /A connection to PostgreSQL was found dead/.test(said()), { seconds: 30 })
    // What came meanwhile ends, well or not.
    await lost
    await operator.close()
    await end(child)
  } finally {
    await network.close()
  }
})

test("what is called for another database is refused, and nothing is loaded for it", async () => {
  const child = launch()
  await until("it serves", () => bare.answers(health), { seconds: 60 })
  for (const name of ["postgres", "template1", "saas_operator"]) {
    const response = await fetch(`http://127.0.0.1:${bare.port}/jsonrpc`, {
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

doors(
  test,
  () => bare,
  () => {
    const child = launch()
    return { end: () => end(child) }
  },
)

test("requests for which there is no connection left wait for one", async () => {
  const child = launch({ db_maxconn: "5" })
  await until("it serves", () => bare.answers(health), { seconds: 60 })
  const answered = await Promise.all(Array.from({ length: 100 }, () => bare.answers("/web/login")))
  assert.equal(answered.filter(Boolean).length, 100)
  await end(child)
})

test("a reload ends it, and whoever started it decides", async () => {
  const child = launch()
  await until("it serves", () => bare.answers(health), { seconds: 60 })
  child.kill("SIGHUP")
  const [code] = await once(child, "exit")
  assert.equal(code, 75)
})

test("a database that is not to be had yet is waited for, and a stop waits for nobody", async () => {
  await bare.sql("ALTER ROLE saas_master NOLOGIN")
  const [patient, stopped] = [launch(), launch({ http_port: String(bare.port + 1) }, "stopped")]
  await Promise.all([waitsForDatabase(patient), waitsForDatabase(stopped)])
  await end(stopped)
  assert.equal(await bare.answers("/web/health"), false)
  await bare.sql("ALTER ROLE saas_master LOGIN")
  await until("it serves", () => bare.answers(health), { seconds: 60 })
  await end(patient)
})

test("it refuses to start without a database of its own", async () => {
  const config = writeConfig("nameless", { db_name: "" })
  const [program, args, env] = bare.command("-c", config)
  const { code, output } = await tryRun(program, args, { cwd: "/", env })
  assert.equal(code, 1, output)
  assert.match(output, /set db_name to its name/)
})

/** As a sidecar comes to its database server. */
function operatorBehind({ port }: SilentNetwork): Operator {
  const password = bare.parts.secrets.read("pg-operator-password")
  return new Operator({ host: "127.0.0.1", port, user: "saas_operator", password, database: "saas_operator" })
}

function launch(changes: Readonly<Record<string, string>> = {}, name = "odoo"): ChildProcess {
  return bare.launch("-c", writeConfig(name, changes))
}

async function waitsForDatabase(child: ChildProcess): Promise<void> {
  const said = textOf(child)
  await until("it waits for its database", () => /Waiting for the database: .*not permitted to log in/s.test(said()), {
    seconds: 60,
  })
}

/** Told again and again: one who listens hears only what is said from then on. */
async function hearsOfJob(): Promise<boolean> {
  await bare.sql(`SELECT pg_notify('cron_trigger', '${bare.database}')`)
  return await bare.jobIsDone()
}

/** All that it has said so far. */
function textOf({ stderr }: ChildProcess): () => string {
  let text = ""
  stderr?.on("data", (chunk) => {
    text += chunk
  })
  return () => text
}

async function pass(seconds: number): Promise<void> {
  const end = Date.now() + seconds * 1000
  await until(`${seconds} s have passed`, () => Date.now() > end, { seconds: seconds + 5 })
}

async function end(child: ChildProcess): Promise<void> {
  child.kill("SIGTERM")
  const [code] = await once(child, "exit")
  assert.equal(code, 0)
}

function writeConfig(name: string, changes: Readonly<Record<string, string>>): string {
  const settings = {
    addons_path: bare.odoo.addonsPath.join(","),
    data_dir: bare.path("data"),
    db_host: bare.parts.postgres.sockets,
    db_name: bare.database,
    db_password: bare.password,
    db_port: bare.parts.postgres.options.port,
    db_user: "saas_master",
    http_interface: "127.0.0.1",
    http_port: bare.port,
    limit_time_real: 0,
    list_db: "False",
    max_cron_threads: 1,
    ...changes,
  }
  const lines = Object.entries(settings).map(([option, value]) => `${option} = ${value}`)
  return bare.write(`${name}.conf`, `[options]\n${lines.join("\n")}\n`)
}

test.run()
