/** A tenant's Odoo whose plan has workers: several processes for its requests, and one for websockets. */
import { strict as assert } from "node:assert"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { suite } from "uvu"
import { tryRun } from "../../scripts/lib/commands.ts"
import { repo } from "../../scripts/lib/paths.ts"
import { pickFree } from "../../scripts/lib/ports.ts"
import { connectionsFor, tenantConf } from "../../sidecar/domain/odoo-conf.ts"
import { hold } from "../helpers/hold.ts"
import { until } from "../helpers/wait.ts"
import { openWebsocket } from "../helpers/websocket.ts"
import { BareOdoo } from "./bare-odoo.ts"

const test = suite("workers")

const address = "127.0.0.1"
const health = "/web/health?db_server_status=1"
const connections = connectionsFor(2)
const waiting = "SELECT FROM pg_stat_activity WHERE wait_event = 'relation'"
/** What a browser closes and is closed with begins with it. */
const closeFrame = 0x88

let bare: BareOdoo
let websocketPort: number
let conf: string
let workers: ChildProcess
let websockets: ChildProcess

test.before(async () => {
  bare = await BareOdoo.open(18_400)
  websocketPort = await pickFree(18_440, 18_459)
  conf = bare.write("odoo.conf", `${withWorkers(2)}logfile = ${bare.path("odoo.log")}\n`)
  // More than the plan gives is not to be had.
  await bare.sql(`ALTER ROLE saas_master CONNECTION LIMIT ${connections}`)
  // Others would be at work when it is counted who waits for a lock.
  await bare.sql("UPDATE ir_cron SET active = (id = 1)")
  await bare.makeJobDue()
  workers = bare.launch("-c", conf)
  websockets = bare.launch("gevent", "-c", conf)
  await until("they serve", async () => (await bare.answers(health)) && (await bare.answers(health, websocketPort)))
})

test.after(async () => {
  await bare.close()
})

test("a due job is done at once", async () => {
  // Stock Odoo takes its first look after a minute.
  await until("it is done", () => bare.jobIsDone(), { seconds: 30 })
})

test("requests are answered by several processes, with no more connections than the plan has", async () => {
  const answered = await Promise.all(Array.from({ length: 60 }, () => bare.answers("/web/login?who=answers")))
  assert.equal(answered.filter(Boolean).length, 60)
  const held = await bare.sql("SELECT FROM pg_stat_activity WHERE usename = 'saas_master'")
  assert.ok(Number(held.rowCount) <= connections, `${held.rowCount} connections`)
  const served = log().matchAll(/^\S+ \S+ (\d+) .*GET \/web\/login\?who=answers/gm)
  const processes = new Set([...served].map(([, pid]) => Number(pid)))
  assert.equal(processes.size, 2)
  assert.ok(!processes.has(workers.pid ?? 0), "the first one only looks after the others")
})

test("websockets are answered by the process for them, and by no worker", async () => {
  const { status, socket } = await openWebsocket({ address, port: websocketPort })
  assert.equal(status, 101)
  socket?.destroy()
  assert.equal((await openWebsocket({ address, port: bare.port })).status, 500)
  // While all workers print, what they print fetches its styles from there.
  assert.equal(await bare.answers("/web/static/img/favicon.ico", websocketPort), true)
})

test("a crash of PostgreSQL ends none but the one for jobs, which comes back with it", async () => {
  await bare.parts.postgres.stop("immediate")
  await until("new workers wait", () => log().includes("New workers wait until PostgreSQL is back"), { seconds: 30 })
  assert.equal(await bare.answers(health), false)
  await bare.parts.postgres.start()
  await bare.makeJobDue()
  await until("a due job is done", () => bare.jobIsDone(), { seconds: 30 })
  await until("it serves", () => bare.answers(health), { seconds: 10 })
  assert.equal(workers.exitCode, null)
  assert.equal(websockets.exitCode, null)
})

test("a stop of websockets tells the browsers, so that they come back", async () => {
  const { socket } = await openWebsocket({ address, port: websocketPort })
  assert.ok(socket)
  const told = once(socket, "data")
  websockets.kill("SIGTERM")
  const [words] = await told
  assert.equal(words[0], closeFrame)
  assert.deepEqual(await once(websockets, "exit"), [0, null])
})

test("a stop answers those who are served, and those who wait in the queue", async () => {
  const letGo = await hold(bare.parts.postgres, bare.database, "LOCK TABLE res_company")
  const requests = Array.from({ length: 6 }, () => bare.answers("/web/binary/company_logo"))
  await until("two are served", async () => (await bare.sql(waiting)).rowCount === 2)
  const ended = once(workers, "exit")
  workers.kill("SIGTERM")
  await until("it ends", () => log().includes("Stopping workers gracefully"))
  await letGo()
  assert.deepEqual(await Promise.all(requests), Array(6).fill(true))
  assert.deepEqual(await ended, [0, null])
  assert.equal(await bare.answers("/web/health"), false)
})

test("a reload ends it, and whoever started it decides", async () => {
  const child = bare.launch("-c", conf)
  await until("it serves", () => bare.answers("/web/health"))
  child.kill("SIGHUP")
  const [code] = await once(child, "exit")
  assert.equal(code, 75)
})

test("limits of no time at all are refused before they end every worker", async () => {
  const timeless = withWorkers(2).replace(/^limit_time_cpu = .*$/m, "limit_time_cpu = 0")
  const [program, args, env] = bare.command("-c", bare.write("timeless.conf", timeless))
  const { code, output } = await tryRun(program, args, { cwd: "/", env })
  assert.equal(code, 1, output)
  assert.match(output, /limit_time_cpu must not be 0/)
})

function withWorkers(count: number): string {
  return tenantConf({
    tenant: bare.database,
    publicKey: "",
    database: bare.database,
    databaseHost: bare.parts.postgres.sockets,
    databasePort: bare.parts.postgres.options.port,
    role: "saas_master",
    password: bare.password,
    addonsPath: [...bare.odoo.addonsPath, join(repo, "addons")],
    dataDir: bare.path("data"),
    relay: null,
    interface: address,
    address,
    port: bare.port,
    limits: { connections },
    workers: { count, websocketPort },
  })
}

function log(): string {
  return readFileSync(bare.path("odoo.log"), "utf8")
}

test.run()
