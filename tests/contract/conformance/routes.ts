/** Where a host leads: to its tenant, or to a page that says why not. */
import { strict as assert } from "node:assert"
import type { Test } from "uvu"
import type { RouteState } from "../../../sidecar/domain/plan.ts"
import { largestBodyMb } from "../../../sidecar/routing/page-words.ts"
import { Tenant } from "./tenant.ts"
import type { World } from "./world.ts"

export function routes<E>(test: Test, world: () => World<E>): void {
  let tenant: Tenant<E>

  const observe = () => world().driver.target.router.observe(tenant.id)
  const hostsOf = ({ spec }: Tenant<E>) => spec.hosts.map(({ name }) => name)

  test("a tenant is made", async () => {
    tenant = await new Tenant(world()).make()
    assert.deepEqual(await observe(), { hosts: hostsOf(tenant), state: { kind: "up" } })
  })

  test("routing to the same place again changes nothing", async () => {
    const other = await world().another()
    await Promise.all([tenant.route({ kind: "up" }), tenant.route({ kind: "up" }, other)])
    assert.deepEqual(await other.target.router.observe(tenant.id), { hosts: hostsOf(tenant), state: { kind: "up" } })
    assert.equal((await tenant.visit()).status, 200)
  })

  test("a visitor of a suspended tenant reads that it is paused, in their language, and nothing of why", async () => {
    const state: RouteState = { kind: "suspended" }
    await tenant.route(state)
    assert.deepEqual(await observe(), { hosts: hostsOf(tenant), state })
    for (const path of ["/", "/web/login", "/odoo/crm"]) {
      const { status, body, headers } = await tenant.visit(path)
      assert.equal(status, 503, path)
      assert.match(body, /<title>This Odoo is paused<\/title>/)
      assert.match(body, /<meta name="viewport"/)
      assert.match(String(headers["content-type"]), /^text\/html; ?charset=utf-8/i)
      assert.match(String(headers["cache-control"]), /no-store/)
    }
    const german = await tenant.visit("/", { headers: { "accept-language": "de-DE,de;q=0.9,en;q=0.8" } })
    assert.match(german.body, /<title>Dieses Odoo pausiert<\/title>/)
    assert.equal((await tenant.visit("/web/login", { method: "POST", body: "login=admin" })).status, 503)
    assert.equal((await tenant.visit("/websocket")).status, 503)
  })

  test("one that was suspended before anything of it was made says so, too", async () => {
    const early = new Tenant(world())
    const { databases, target } = world().driver
    await databases.raise(early.fence)
    const state: RouteState = { kind: "suspended" }
    await early.route(state)
    assert.deepEqual(await target.router.observe(early.id), { hosts: hostsOf(early), state })
    assert.match((await early.visit()).body, /This Odoo is paused/)
    await target.router.remove(early.fence)
    assert.equal((await early.visit()).status, 404)
  })

  test("a tenant that is worked on says so, and comes back", async () => {
    await tenant.route({ kind: "maintenance" })
    const page = await tenant.visit()
    assert.equal(page.status, 503)
    assert.match(page.body, /worked on/)
    await tenant.route({ kind: "up" })
    assert.equal((await tenant.visit()).status, 200)
    assert.deepEqual((await observe()).state, { kind: "up" })
  })

  test("the old address of a renamed tenant leads nowhere, the new one to it", async () => {
    const old = tenant.host
    const renamed = [
      { name: `renamed.${world().domain}`, primary: true },
      { name: "www.customer-of-their-own.example", primary: false },
    ]
    tenant.spec = { ...tenant.spec, hosts: renamed }
    await tenant.route({ kind: "up" })
    assert.equal((await world().visit(old, "/web/login")).status, 404)
    for (const { name } of renamed) assert.equal((await world().visit(name, "/web/login")).status, 200, name)
    assert.deepEqual(await observe(), { hosts: hostsOf(tenant), state: { kind: "up" } })
  })

  test("an address that leads to one tenant is never given to another", async () => {
    const thief = await new Tenant(world(), { hosts: tenant.spec.hosts }).makeDatabase()
    await thief.start()
    await assert.rejects(thief.route({ kind: "up" }), (error: Error) => {
      assert.equal(error.name, "PermanentError")
      assert.match(error.message, /renamed\./)
      return true
    })
    assert.deepEqual(await world().driver.target.router.observe(thief.id), { hosts: [], state: { kind: "none" } })
    assert.deepEqual(await observe(), { hosts: hostsOf(tenant), state: { kind: "up" } })
    assert.equal((await tenant.visit()).status, 200)
    await thief.remove()
  })

  test("hosts that nobody has say so", async () => {
    const { status, body } = await world().visit(`nobody.${world().domain}`, "/")
    assert.equal(status, 404)
    assert.match(body, /There is no Odoo here/)
  })

  test("the database manager is shut, however it is written", async () => {
    for (const path of [
      "/web/database/manager",
      "/web/database/selector",
      "/web/database",
      "//web//database/manager",
      "/web/./database/manager",
      "/x/../web/database/manager",
      "/web/%64atabase/manager",
      "/web%2Fdatabase/manager",
      "/WEB/DATABASE/manager",
    ]) {
      assert.equal((await tenant.visit(path)).status, 404, path)
    }
    const restore = { method: "POST", body: "master_pwd=admin&name=x" }
    assert.equal((await tenant.visit("/web/database/drop", restore)).status, 404)
  })

  test("a websocket that another site asks for is refused", async () => {
    const headers = { upgrade: "websocket", connection: "Upgrade", origin: "https://evil.example" }
    assert.equal((await tenant.visit("/websocket", { headers })).status, 403)
  })

  test("browsers are told to be careful", async () => {
    const { headers } = await tenant.visit()
    assert.equal(headers["x-content-type-options"], "nosniff")
    assert.ok(headers["referrer-policy"])
    assert.ok(
      /SAMEORIGIN/i.test(String(headers["x-frame-options"])) ||
        /frame-ancestors/.test(String(headers["content-security-policy"])),
    )
    assert.doesNotMatch(String(headers.server), /\d/)
  })

  test("a tenant knows by which address it is visited", async () => {
    const { headers } = await tenant.visit("/odoo")
    assert.match(String(headers.location), new RegExp(`^(http://${tenant.host}(:\\d+)?)?/web/login`))
  })

  test("whoever tries many passwords is slowed down, and others are not", async () => {
    const attempt = () =>
      tenant.visit("/web/login", {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: "login=admin&password=wrong",
      })
    const answers = await Promise.all(Array.from({ length: 30 }, attempt))
    const refused = answers.filter(({ status }) => status === 429)
    assert.ok(refused.length >= 10, `${refused.length} of 30 were refused`)
    assert.match(String(refused[0]?.body), /wait a minute/)
    assert.equal((await tenant.visit()).status, 200)
  })

  test("passwords are not tried faster at another door", async () => {
    const answers = await Promise.all(
      ["/web/session/authenticate", "/de/web/login"].flatMap((path) =>
        Array.from({ length: 15 }, () => tenant.visit(path, { method: "POST", body: "{}" })),
      ),
    )
    assert.ok(answers.filter(({ status }) => status === 429).length >= 10)
  })

  test("whoever sends far too much is told so before it is sent, and what is large arrives", async () => {
    const path = "/web/webclient/version_info"
    const bytes = String(largestBodyMb * 1024 * 1024 + 1)
    const { status, body } = await tenant.visit(path, { method: "POST", headers: { "content-length": bytes } })
    assert.equal(status, 413)
    assert.match(body, /at most 512 MB/)
    const parts = { jsonrpc: "2.0", method: "call", params: { padding: "x".repeat(10_000_000) } }
    const headers = { "content-type": "application/json" }
    const answer = await tenant.visit(path, { method: "POST", headers, body: JSON.stringify(parts) })
    assert.equal(answer.status, 200, answer.body)
    assert.match(answer.body, /jsonrpc/)
  })

  test("a route that is taken away leads nowhere, once or twice", async () => {
    const { router } = world().driver.target
    await router.remove(tenant.fence)
    await router.remove(tenant.fence)
    assert.deepEqual(await observe(), { hosts: [], state: { kind: "none" } })
    assert.equal((await tenant.visit()).status, 404)
    await tenant.remove()
  })
}
