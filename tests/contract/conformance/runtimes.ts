/** A tenant's runtime: started, found again, stopped without losing a request, noticed when it crashes. */
import { strict as assert } from "node:assert"
import type { Test } from "uvu"
import type { TenantId } from "../../../sidecar/domain/tenant.ts"
import { pageIn } from "../../../sidecar/routing/pages.ts"
import type { Answer } from "../../helpers/tenant.ts"
import { until } from "../../helpers/wait.ts"
import { Tenant } from "./tenant.ts"
import { Visitors } from "./visitors.ts"
import type { World } from "./world.ts"

/**
 * What becomes of visitors while a tenant does not run: they wait for its next start, or they are told at once that
 * nobody serves them, and whatever runs it starts it anew by itself after a crash.
 */
export type Meanwhile = "wait" | "told"

export function runtimes<E>(test: Test, world: () => World<E>, meanwhile: Meanwhile = "wait"): void {
  let tenant: Tenant<E>

  const runtime = () => world().driver.target.runtime

  test("a new tenant answers its first visitor", async () => {
    tenant = await new Tenant(world()).makeDatabase()
    assert.equal((await runtime().observe(tenant.id)).state, "stopped")
    await tenant.start()
    await tenant.awaitState("ready")
    await tenant.route({ kind: "up" })
    const login = await tenant.visit()
    assert.equal(login.status, 200)
    assert.match(login.body, /name="login"/)
    const { state, fingerprint, crashes } = await runtime().observe(tenant.id)
    const seen = { state, fingerprint, crashes }
    assert.deepEqual(seen, { state: "ready", fingerprint: runtime().fingerprint(tenant.spec), crashes: 0 })
  })

  test("no bundle is built while a visitor waits", async () => {
    const before = await bundles(tenant)
    assert.ok(
      ["web.assets_web.min.js", "web.assets_web.min.css", "web.assets_frontend.min.css"].every((name) =>
        before.some((url) => url.endsWith(name)),
      ),
      `built are only ${before.join(", ")}`,
    )
    const { body } = await tenant.visit()
    const links = [...body.matchAll(/(?:href|src|data-src)="(\/web\/assets\/[^"]+)"/g)].map(([, link]) => String(link))
    assert.ok(links.length >= 2, `the page names only ${links.join(", ")}`)
    for (const link of links) {
      const { status, body } = await tenant.visit(link)
      assert.equal(status, 200, link)
      assert.ok(body.length > 1000, `${link} has ${body.length} bytes`)
    }
    assert.deepEqual(await bundles(tenant), before)
  })

  test("starting what runs already starts nothing", async () => {
    const before = await world().incarnation(tenant.id)
    assert.ok(before)
    const other = await world().another()
    await Promise.all([tenant.start(), tenant.start(other)])
    assert.equal(await world().incarnation(tenant.id), before)
  })

  test("another sidecar finds it as it is, and a closed one takes nothing with it", async () => {
    const before = await world().incarnation(tenant.id)
    const other = await world().another()
    // Whoever has never heard of it does not wait long for its first answer.
    const seen = () => other.target.runtime.observe(tenant.id)
    await until("the other one sees it ready", async () => (await seen()).state === "ready", { seconds: 10 })
    assert.deepEqual(await seen(), await runtime().observe(tenant.id))
    await other.target.close()
    assert.equal(await world().incarnation(tenant.id), before)
    assert.equal((await tenant.visit()).status, 200)
  })

  test("another plan needs another start, another banner does not", () => {
    const { spec } = tenant
    const now = runtime().fingerprint(spec)
    const more = (limits: Partial<typeof spec.limits>) => ({ ...spec, limits: { ...spec.limits, ...limits } })
    assert.notEqual(runtime().fingerprint(more({ memoryMb: 2048 })), now)
    assert.notEqual(runtime().fingerprint(more({ cpuMilli: 1500 })), now)
    assert.notEqual(runtime().fingerprint(more({ connections: 20 })), now)
    assert.equal(runtime().fingerprint(more({ users: 50, storageMb: 1 })), now)
    assert.equal(runtime().fingerprint({ ...spec, banner: { level: "info", text: "Hello" }, generation: 7 }), now)
  })

  test("the operator speaks to it past every router", async () => {
    const { status, body } = await runtime().request(tenant.id, "/saas/control", "nonsense", 60)
    assert.equal(status, 403)
    assert.equal(JSON.parse(body).ok, false)
  })

  test("its log tells the last lines, and no more", async () => {
    const lines = (await runtime().logs(tenant.id, 5)).split("\n")
    assert.equal(lines.length, 5)
    assert.match(lines.join("\n"), /\b(INFO|WARNING)\b/)
  })

  const lost = meanwhile === "wait" ? "no request is lost" : "who had begun is served, who comes later is told"
  test(`${lost} over a stop and a start`, async () => {
    const before = await world().incarnation(tenant.id)
    const visitors = new Visitors(() => tenant.visit().then(asTold), 4)
    await visitors.served(20)
    await tenant.stop()
    assert.equal((await runtime().observe(tenant.id)).state, "stopped")
    assert.equal(await world().incarnation(tenant.id), null)
    await tenant.start()
    await tenant.awaitState("ready")
    await visitors.served(20)
    const met = await visitors.leave()
    if (meanwhile === "told") met.delete(503)
    assert.deepEqual(met, new Set([200]))
    assert.notEqual(await world().incarnation(tenant.id), before)
    assert.equal((await runtime().observe(tenant.id)).crashes, 0)
  })

  test("a request that takes long is answered before the runtime ends", async () => {
    const sql = "BEGIN; LOCK TABLE res_company; SELECT pg_sleep(5); COMMIT"
    const lock = world().asTenant(tenant.id, tenant.id, sql)
    const backends = (condition: string) => async () => {
      const question = `SELECT FROM pg_stat_activity WHERE datname = '${tenant.id}' AND ${condition}`
      return (await world().asSuperuser("postgres", question)).rowCount === 1
    }
    await until("the table is locked", backends("wait_event = 'PgSleep'"))
    const slow = tenant.visit("/web/binary/company_logo")
    await until("the request waits for it", backends("wait_event_type = 'Lock'"))
    await tenant.stop()
    assert.equal((await slow).status, 200)
    await lock
    await tenant.start()
    await tenant.awaitState("ready")
  })

  test("stopping what is stopped is no fault, and a visitor of it waits for the next start or is told", async () => {
    await tenant.stop()
    await tenant.stop()
    assert.deepEqual(await runtime().observe(tenant.id), { state: "stopped", fingerprint: "", crashes: 0 })
    const waiting = tenant.visit()
    if (meanwhile === "told") assert.equal((await waiting).status, 503)
    await tenant.start()
    if (meanwhile === "wait") assert.equal((await waiting).status, 200)
    await tenant.awaitState("ready")
  })

  test("a crash is noticed within seconds, and the next start serves those who come then", async () => {
    const changed: TenantId[] = []
    const stop = world().driver.target.watch((id) => changed.push(id))
    await until("the watch is set up", async () => (await runtime().observe(tenant.id)).state === "ready")
    await world().crash(tenant.id)
    await until("the crash is told", async () => changed.includes(tenant.id), { seconds: 5 })
    if (meanwhile === "wait") await tenant.awaitState("stopped", 5)
    await until("the crash is counted", async () => (await runtime().observe(tenant.id)).crashes === 1, { seconds: 10 })
    if (meanwhile === "told") await tenant.awaitState("ready")
    const waiting = Promise.all([tenant.visit(), tenant.visit("/web/health")])
    await tenant.start()
    assert.deepEqual(
      (await waiting).map(({ status }) => status),
      [200, 200],
    )
    await tenant.awaitState("ready")
    await stop()
  })

  test("one that was told to stop is not taken for a crash", async () => {
    const { crashes } = await runtime().observe(tenant.id)
    await tenant.stop()
    assert.ok((await runtime().observe(tenant.id)).crashes <= crashes)
  })

  test("nothing is left of what was removed", async () => {
    await tenant.remove()
    assert.equal(await world().incarnation(tenant.id), null)
    assert.equal(await world().driver.target.files.observe(tenant.id), "absent")
    assert.equal((await tenant.visit()).status, 404)
    await tenant.remove()
  })
}

/** A router that has not heard of an end yet shows the page of one that starts with the status of what it met. */
function asTold(answer: Answer): Answer {
  return answer.status === 502 && answer.body === pageIn("en", "starting") ? { ...answer, status: 503 } : answer
}

async function bundles(tenant: Tenant<unknown>): Promise<string[]> {
  const rows = await tenant.look("SELECT url FROM ir_attachment WHERE url LIKE '/web/assets/%' ORDER BY url")
  return rows.map(({ url }) => String(url))
}
