/** The router against the real nginx, with small servers in the place of tenants. */
import { strict as assert } from "node:assert"
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { createServer, type IncomingMessage, type Server } from "node:http"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { suite } from "uvu"
import { pickFree } from "../../scripts/lib/ports.ts"
import { PermanentError, StaleEpoch } from "../../sidecar/domain/errors.ts"
import type { RouteState } from "../../sidecar/domain/plan.ts"
import { languageOf } from "../../sidecar/routing/page-words.ts"
import { NginxRouter } from "../../sidecar/routing/router.ts"
import { visit } from "../helpers/tenant.ts"
import { until } from "../helpers/wait.ts"

const test = suite("nginx")
const up: RouteState = { kind: "up" }
const signal = new AbortController().signal
const one = { tenant: "taaaaaaaaaa", epoch: 1, server: "local", signal }
const two = { tenant: "tbbbbbbbbbb", epoch: 1, server: "local", signal }
const hosts = (name: string) => [{ name, primary: true }]

let folder: string
let port: number
let router: NginxRouter
let stale = false
/** What reached a tenant. */
let seen: IncomingMessage[] = []
const servers: Server[] = []

async function serve(host: string, number: number): Promise<{ host: string; port: number }> {
  const server = createServer((request, response) => {
    seen.push(request)
    if (request.url === "/die") return request.socket.destroy()
    response.end(`this is ${host}`)
  })
  server.on("upgrade", (request, socket) => {
    seen.push(request)
    socket.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello")
  })
  const place = host.startsWith("/") ? { path: host } : { host, port: number }
  await new Promise<void>((resolve) => server.listen(place, resolve))
  servers.push(server)
  return { host, port: number }
}

const get = (host: string, path = "/", options = {}) => visit(`http://${host}:${port}${path}`, options)

let first: { host: string; port: number }
let second: { host: string; port: number }

test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), "saas-nginx-"))
  chmodSync(folder, 0o755)
  port = await pickFree(18_650, 18_690)
  const upstreamPort = await pickFree(18_691, 18_699)
  const masterSocket = join(folder, "master.sock")
  await serve(masterSocket, 0)
  chmodSync(masterSocket, 0o777)
  first = await serve("127.70.0.2", upstreamPort)
  second = await serve("127.70.0.3", upstreamPort)
  router = new NginxRouter({
    folder,
    bin: process.env.NGINX_BIN ?? "/usr/sbin/nginx",
    httpPort: port,
    masterHost: "localhost",
    masterUpstream: `unix:${masterSocket}`,
    trustedProxies: [],
    secureCookies: false,
    guard: async () => {
      if (stale) throw new StaleEpoch("A younger claim has been here.")
    },
  })
  await router.start()
  await router.apply(one, first, hosts("one.localhost"), up)
  await router.apply(two, second, hosts("two.localhost"), up)
})

test.before.each(() => {
  seen = []
  stale = false
})

test.after(() => {
  process.kill(Number(readFileSync(join(folder, "nginx.pid"), "utf8")), "SIGTERM")
  for (const server of servers) server.close()
  rmSync(folder, { recursive: true, force: true })
})

test("each host leads to its own tenant, and the master's to the master's socket", async () => {
  assert.equal((await get("one.localhost")).body, "this is 127.70.0.2")
  assert.equal((await get("two.localhost")).body, "this is 127.70.0.3")
  const { body } = await get("localhost", "/odoo/crm?view=list", { headers: { "x-forwarded-for": "8.8.8.8" } })
  assert.equal(body, `this is ${join(folder, "master.sock")}`)
  assert.equal(seen.at(-1)?.url, "/odoo/crm?view=list")
  assert.equal(seen.at(-1)?.headers["x-forwarded-for"], "127.0.0.1")
})

test("an unknown host is told that nothing is there", async () => {
  const answer = await get("three.localhost")
  assert.equal(answer.status, 404)
  assert.match(answer.body, /There is no Odoo here/)
})

test("the database manager is shut, however it is written", async () => {
  for (const path of [
    "/web/database/manager",
    "/WEB/Database",
    "//web//database/selector",
    "/web/%64atabase/manager",
  ]) {
    assert.equal((await get("one.localhost", path)).status, 404, path)
  }
  assert.equal(seen.length, 0)
})

test("the tenant learns the real host and address, whatever a visitor claims", async () => {
  await get("one.localhost", "/", { headers: { "x-forwarded-for": "8.8.8.8", "x-forwarded-host": "bank.example" } })
  assert.equal(seen[0]?.headers["x-forwarded-for"], "127.0.0.1")
  assert.equal(seen[0]?.headers["x-forwarded-host"], `one.localhost:${port}`)
})

test("a suspended tenant shows its page, to a POST as well, and hears of nobody", async () => {
  await router.apply(one, first, hosts("one.localhost"), { kind: "suspended" })
  for (const method of ["GET", "POST"]) {
    const answer = await get("one.localhost", "/odoo", { method })
    assert.equal(answer.status, 503, method)
    assert.match(answer.body, /This Odoo is paused/)
    assert.equal(answer.body.match(/<html/g)?.length, 1, "one language")
  }
  for (const path of ["/websocket", "/web/webclient/version_info"]) {
    const answer = await get("one.localhost", path)
    assert.equal(answer.status, 503, path)
    assert.doesNotMatch(answer.body, /<html/)
  }
  assert.equal(seen.length, 0)
  assert.deepEqual(await router.observe(one.tenant), {
    hosts: ["one.localhost"],
    state: { kind: "suspended" },
  })
  await router.apply(one, first, hosts("one.localhost"), up)
  assert.equal((await get("one.localhost")).status, 200)
})

test("a page speaks the first language of its visitor that it knows", async () => {
  for (const [accepted, title] of [
    ["de-DE,de;q=0.9,en;q=0.8", "Hier gibt es kein Odoo"],
    ["pl, fr-CA;q=0.8", "Il n&#39;y a pas d&#39;Odoo ici"],
    ["en-US,en;q=0.9,de;q=0.8", "There is no Odoo here"],
    ["den, nl", "There is no Odoo here"],
  ] as const) {
    const { status, body } = await get("nobody.localhost", "/", { headers: { "accept-language": accepted } })
    assert.equal(status, 404, accepted)
    assert.ok(body.includes(`<title>${title}</title>`), `${accepted}: ${body}`)
    assert.match(body, new RegExp(`<html lang="${languageOf(accepted)}">`))
  }
})

test("many attempts to sign in are slowed down, and nothing else is", async () => {
  const attempts = Array.from({ length: 30 }, () => get("two.localhost", "/web/login", { method: "POST" }))
  const refused = (await Promise.all(attempts)).filter(({ status }) => status === 429)
  assert.ok(refused.length > 10, `${refused.length} were refused`)
  assert.match(refused[0]?.body ?? "", /Too many attempts to log in/)
  assert.equal((await get("two.localhost", "/web/login")).status, 200)
})

test("a request that dies half-way is not made a second time", async () => {
  const answer = await get("one.localhost", "/die", { method: "POST", body: "pay" })
  assert.equal(answer.status, 503)
  assert.equal(seen.length, 1)
})

/** What is answered to these lines, which no client of HTTP would send so. */
function say(...lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1")
    let text = ""
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk
      if (text.endsWith("hello") || /^HTTP\/1\.1 [^1].*\r\n\r\n/s.test(text)) socket.destroy()
    })
    socket.on("close", () => resolve(text)).on("error", reject)
    socket.write([...lines, "", ""].join("\r\n"))
  })
}

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])

function websocket(host: string, origin: string | null): Promise<string> {
  const asked = ["GET /websocket HTTP/1.1", `Host: ${host}`, "Connection: Upgrade", "Upgrade: websocket"]
  return say(...asked, ...(origin === null ? [] : [`Origin: ${origin}`]))
}

test("websockets pass from the host's own pages, and from what is no browser", async () => {
  for (const [host, origin] of [
    ["one.localhost", null],
    ["one.localhost", "http://one.localhost"],
    ["one.localhost", "https://one.localhost"],
    ["ONE.localhost:8080", "https://one.localhost:8080"],
    ["one.localhost:443", "https://one.localhost"],
    ["localhost", "http://localhost"],
  ] as const) {
    const answer = await websocket(host, origin)
    assert.equal(statusOf(answer), 101, `${host} from ${origin}`)
    assert.match(answer, /hello$/)
  }
})

test("a websocket that another site asks for is refused, the master's as well", async () => {
  for (const [host, origin] of [
    ["one.localhost", "http://two.localhost"],
    ["one.localhost", "https://evil.example"],
    ["one.localhost", "http://one.localhost.evil.example"],
    ["one.localhost", "http://evil.example/one.localhost"],
    ["one.localhost", "http://xone.localhost"],
    ["one.localhost", "http://one.localhost:8081"],
    ["one.localhost:8080", "http://one.localhost:80801"],
    ["one.localhost", "null"],
    ["one.localhost", "http://one.localhost http://evil.example"],
    ["localhost", "http://one.localhost"],
  ] as const) {
    assert.equal(statusOf(await websocket(host, origin)), 403, `${host} from ${origin}`)
  }
  assert.equal(seen.length, 0)
})

test("what reaches a tenant is the host that was matched, with the port that people use", async () => {
  for (const [host, reaches] of [
    ["one.localhost", "one.localhost"],
    ["ONE.localHOST:9080", "one.localhost:9080"],
    ["one.localhost.:9080", "one.localhost:9080"],
    ["one.localhost.", "one.localhost"],
  ] as const) {
    assert.equal(statusOf(await say("GET / HTTP/1.1", `Host: ${host}`)), 200, host)
    const { headers } = seen.pop() ?? assert.fail("nothing has reached it")
    assert.deepEqual([headers.host, headers["x-forwarded-host"]], [reaches, reaches], host)
  }
  assert.equal(statusOf(await say("GET http://one.localhost/ HTTP/1.1", "Host: one.localhost")), 200)
})

test("a request that names another host beside the one that is matched reaches nobody", async () => {
  seen = []
  for (const lines of [
    ["GET / HTTP/1.1", "Host: one.localhost:80@evil.example"],
    ["GET / HTTP/1.1", "Host: one.localhost:"],
    ["GET / HTTP/1.1", "Host: one.localhost:80:81"],
    ["GET / HTTP/1.1", "Host: one.localhost:123456"],
    ["GET / HTTP/1.1", "Host: one.localhost:evil"],
    ["GET http://one.localhost/ HTTP/1.1", "Host: evil.example"],
    ["GET http://one.localhost/ HTTP/1.1", "Host: two.localhost"],
    ["GET / HTTP/1.1", "Host: one.localhost", "Host: evil.example"],
    ["GET / HTTP/1.1"],
    ["GET / HTTP/1.0"],
  ]) {
    assert.equal(statusOf(await say(...lines)), 400, lines.join(" | "))
  }
  assert.equal(seen.length, 0)
})

test("an address that cannot be is refused, and harms nobody else", async () => {
  for (const name of ["localhost", "two.localhost", "no host; }", "UPPER.localhost"]) {
    await assert.rejects(router.apply(one, first, hosts(name), up), PermanentError, name)
  }
  assert.equal((await get("one.localhost")).status, 200)
  await router.apply(two, second, hosts("second.localhost"), up)
  assert.equal((await get("second.localhost")).status, 200)
  assert.equal((await get("two.localhost")).status, 404)
})

test("an older claim changes nothing", async () => {
  stale = true
  await assert.rejects(router.apply(one, first, hosts("stolen.localhost"), { kind: "maintenance" }), StaleEpoch)
  await assert.rejects(router.remove(one), StaleEpoch)
  assert.equal((await get("one.localhost")).status, 200)
  assert.equal((await get("stolen.localhost")).status, 404)
})

test("nginx that was killed comes back with all hosts", async () => {
  const pid = Number(readFileSync(join(folder, "nginx.pid"), "utf8"))
  process.kill(pid, "SIGTERM")
  await until(
    "it is gone",
    () =>
      get("one.localhost").then(
        () => false,
        () => true,
      ),
    { seconds: 20 },
  )
  await until("it is back", async () => {
    await router.start()
    return (await get("one.localhost")).status === 200
  })
  assert.equal(statSync(join(folder, "router.sock")).mode & 0o777, 0o600)
})

test("what is removed leads nowhere, and removing it twice is fine", async () => {
  await router.remove(two)
  await router.remove(two)
  assert.equal((await get("second.localhost")).status, 404)
  assert.deepEqual(await router.observe(two.tenant), { hosts: [], state: { kind: "none" } })
})

test.run()
