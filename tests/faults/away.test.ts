/** While somebody is away whom the sidecar depends on, it waits, says so where people look, once, and goes on by itself. */
import { strict as assert } from "node:assert"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { suite } from "uvu"
import { type Installation, makeInstallation } from "../helpers/installation.ts"
import { Master } from "../helpers/master.ts"
import { confirmQuotation, type TenantRow, waitForPhase } from "../helpers/sales.ts"
import { SidecarLog } from "../helpers/sidecar-log.ts"
import { type Answer, visit } from "../helpers/tenant.ts"
import { until } from "../helpers/wait.ts"

const test = suite("somebody is away")

/** So often would it be told by whoever tells it at every poll. */
const awaySeconds = 10

let it: Installation
let master: Master
let tenant: TenantRow

test.before(async () => {
  it = await makeInstallation("away", { parts: "all", sidecarEnv: { LEASE_SECONDS: "3", POLL_SECONDS: "1" } })
  master = new Master(it.master)
  tenant = await confirmQuotation(master, { slug: "steady" })
  await waitForPhase(master, tenant.id, "running")
})

test.after(() => it.destroy())

test("the master is away", async () => {
  const log = new SidecarLog(it.sidecar.log)
  await it.masterServer.kill()
  await until("it is not ready", async () => (await notReady("master"))?.includes("does not answer") ?? false)
  await pass(awaySeconds)
  assert.equal(await notReady("postgresql"), null)
  assert.deepEqual(complaints(log), ["the master is away; waiting for it"])
  assert.equal((await visit(`${tenant.url}/web/login`)).status, 200, "tenants do not need the master")
  await it.masterServer.start()
  await assertGoesOn(log, "the master answers", "after-master")
})

/** Of whoever logs in with a form, as people do. */
async function logIn(): Promise<string> {
  const page = await visit(`${site()}/web/login`)
  const token = /name="csrf_token" value="([^"]+)"/.exec(page.body)?.[1] ?? ""
  const { login, password } = it.master
  const answer = await visit(`${site()}/web/login`, {
    method: "POST",
    headers: { cookie: cookiesOf(page), "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ csrf_token: token, login, password }).toString(),
  })
  assert.equal(answer.status, 303)
  return cookiesOf(answer)
}

const site = () => `http://localhost:${it.ports.http}`

/** Of the session alone: the one that keeps a visitor's language comes before what the browser says. */
function cookiesOf({ headers }: Answer): string {
  return /session_id=[^;]+/.exec([headers["set-cookie"] ?? []].flat().join("; "))?.[0] ?? ""
}

async function assertSaysThatItsDatabaseIsAway(cookie: string): Promise<void> {
  const ask = (path: string, headers: Record<string, string>, method = "GET") =>
    visit(`${site()}${path}`, { method, headers, ...(method === "POST" ? { body: "{}" } : {}) })
  for (const path of ["/web/login", "/odoo", "/"]) {
    const page = await ask(path, { accept: "text/html", "accept-language": "de", cookie })
    assert.deepEqual([page.status, page.headers["retry-after"]], [503, "5"], path)
    assert.match(page.body, /lang="de".*erreicht seine Datenbank nicht/s, path)
  }
  const json = await ask("/jsonrpc", { accept: "*/*", "content-type": "application/json" }, "POST")
  assert.deepEqual([json.status, JSON.parse(json.body).error.code], [503, 503])
  const xml = await ask("/xmlrpc/2/common", { "content-type": "text/xml" }, "POST")
  assert.equal(xml.status, 503)
  assert.match(xml.body, /<fault>/)
  const client = await ask("/web/dataset/call_kw", { "content-type": "application/json" }, "POST")
  assert.deepEqual([client.status, client.headers["content-type"]], [503, "text/plain; charset=utf-8"])
  assert.equal((await ask("/web/health", {})).status, 200, "the process itself is well")
}

test("the master does not start itself anew for a request that takes long, or because it has grown", () => {
  const conf = readFileSync(join(it.stateDir, "master/odoo.conf"), "utf8")
  for (const name of ["time_real", "time_real_cron", "memory_soft"]) {
    assert.match(conf, new RegExp(`^limit_${name} = 0$`, "m"))
  }
})

test("PostgreSQL is away, and the master with it", async () => {
  const log = new SidecarLog(it.sidecar.log)
  const cookie = await logIn()
  await it.postgres.stop("immediate")
  await assertSaysThatItsDatabaseIsAway(cookie)
  await until("it is not ready", async () => (await notReady("postgresql"))?.includes("does not serve us") ?? false)
  await pass(awaySeconds)
  assert.ok(await notReady("postgresql"))
  assert.deepEqual(
    complaints(log).filter((msg) => msg !== "the master is away; waiting for it"),
    ["PostgreSQL is away; waiting for it"],
  )
  assert.ok(complaints(log).length <= 2, complaints(log).join("\n"))
  await it.postgres.start()
  await assertGoesOn(log, "PostgreSQL answers", "after-postgres")
  assert.equal((await visit(`${site()}/odoo`, { headers: { cookie } })).status, 200, "nobody was logged out")
})

async function assertGoesOn(log: SidecarLog, msg: string, slug: string): Promise<void> {
  const everybody = ["master", "postgresql", "target local"]
  const reasons = async () => (await Promise.all(everybody.map(notReady))).filter(Boolean)
  await until("it is ready again", async () => (await reasons()).length === 0, {
    seen: async () => (await reasons()).join(" "),
  })
  const said = () => log.lines().filter((line) => line.msg === msg).length
  await until(`it says "${msg}"`, () => said() > 0)
  await waitForPhase(master, tenant.id, "running")
  assert.equal((await visit(`${tenant.url}/web/login`)).status, 200)
  await waitForPhase(master, (await confirmQuotation(master, { slug })).id, "running")
  assert.equal(said(), 1)
}

/** What /readyz says of one of those whom it depends on; null: it is there. */
async function notReady(name: string): Promise<string | null> {
  const response = await fetch(`http://127.0.0.1:${it.ports.sidecar}/readyz`)
  const { ready, checks } = (await response.json()) as {
    ready: boolean
    checks: Record<string, { ready: boolean; reason: string }>
  }
  assert.equal(response.status, ready ? 200 : 503)
  const check = checks[name]
  assert.ok(check, `/readyz says nothing of ${name}`)
  return check.ready ? null : check.reason
}

/** What an operator reads who looks for warnings and errors. */
function complaints(log: SidecarLog): string[] {
  return log.lines().flatMap(({ level, msg }) => (level >= 40 ? [msg] : []))
}

async function pass(seconds: number): Promise<void> {
  const end = Date.now() + seconds * 1000
  await until(`${seconds} s have passed`, () => Date.now() > end)
}

test.run()
