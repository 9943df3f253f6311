import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { suite } from "uvu"
import * as assert from "uvu/assert"
import xmlrpc from "xmlrpc"
import { MasterRefused, MasterUnavailable, protocolVersion } from "../../sidecar/odoo/port.ts"
import { XmlRpcMaster } from "../../sidecar/odoo/xmlrpc.ts"
import { aSpec } from "./helpers/spec.ts"

type Reply = (fault: { faultCode: number; faultString: string } | null, value?: unknown) => void

const test = suite("xmlrpc")

let server: ReturnType<typeof xmlrpc.createServer>
let master: XmlRpcMaster
let url = ""
/** Keyword arguments as they came over the wire. */
let heard: Record<string, unknown> = {}
let signOns = 0
let answer: (method: string, reply: Reply) => void

test.before.each(async () => {
  signOns = 0
  heard = {}
  await new Promise<void>((resolve) => {
    server = xmlrpc.createServer({ host: "127.0.0.1", port: 0 }, resolve)
  })
  url = `http://127.0.0.1:${(server.httpServer.address() as AddressInfo).port}`
  server.on("authenticate", (_error, params, reply) => {
    signOns += 1
    reply(null, params[2] === "right" ? 7 : false)
  })
  server.on("execute_kw", (_error, params, reply) => {
    heard = params[6] as Record<string, unknown>
    answer(String(params[4]), reply)
  })
  master = masterAt(url)
})

test.after.each(() => {
  master.close()
  server.httpServer.closeAllConnections()
  server.httpServer.close()
})

const wireSpec = {
  id: "tabcdefghij",
  slug: "acme",
  generation: 1,
  desired: "running",
  reason: "",
  target: "local",
  server: "local",
  database: "shared",
  template: {
    key: "0123456789",
    release: { name: "19", odoo_version: "19.0", sources: [] },
    modules: ["crm"],
    languages: ["de_DE"],
  },
  limits: { cpu_milli: 1000, memory_mb: 1024, storage_mb: 5120, users: 5, connections: 10, workers: 0 },
  outgoing: { mail: true, https: true },
  hosts: [{ name: "acme.localhost", primary: true }],
  bootstrap: {
    company: "Acme",
    country: "BE",
    lang: "en_US",
    timezone: "Europe/Brussels",
    user_name: "Ann",
    user_login: "ann@acme.example",
  },
  banner: false,
  staff_logins: [],
  upgrade_url: "",
}

const claimRequest = { requestId: "r1", worker: "w", targets: ["local"], limit: 2, leaseSeconds: 30, held: ["l0"] }

test("claims arrive as the types say, and the question has the names that Python knows", async () => {
  answer = (_method, reply) =>
    reply(null, [
      { operation: 4, kind: "reconcile", lease: "l1", epoch: 2, attempt: 1, spec: wireSpec },
      {
        operation: 5,
        kind: "build_template",
        lease: "l2",
        epoch: 1,
        attempt: 1,
        template: wireSpec.template,
        target: "local",
        server: "local",
      },
      { operation: 6, kind: "check_isolation", lease: "l3", epoch: 1, attempt: 1, target: "local" },
    ])
  const [first, second, third] = await master.claim(claimRequest)
  assert.equal(first, { operation: 4, kind: "reconcile", lease: "l1", epoch: 2, attempt: 1, spec: aSpec() })
  assert.is(second?.kind, "build_template")
  assert.equal(third, { operation: 6, kind: "check_isolation", lease: "l3", epoch: 1, attempt: 1, target: "local" })
  assert.equal(heard, { request_id: "r1", worker: "w", targets: ["local"], limit: 2, lease_s: 30, held: ["l0"] })
})

test("nothing travels as false, both ways", async () => {
  answer = (_method, reply) => reply(null, { ok: true })
  assert.ok(await master.report({ operation: 4, lease: "l" }, [], null))
  assert.is(heard.status, false)
  const usage = null
  await master.observed("t", 1, "12", { phase: "running", generation: 1, message: "", additions: [], usage })
  assert.equal(heard.status, { phase: "running", generation: 1, message: "", additions: [], usage: false })
})

test("texts arrive as they are, whatever a log has put into them", async () => {
  answer = (_method, reply) => reply(null, { ok: true })
  const texts = ["Zoë & Søn <b>", "日本語 🦉", "a\nb\tc", "x ]]> y", "&amp;"]
  for (const text of texts) {
    await master.request("t", "reconcile", text)
    assert.is(heard.reason, text.replace("]]>", "]] >"))
  }
  await master.request("t", "reconcile", "\u001b[31mred\u001b[0m\u0000")
  assert.is(heard.reason, "[31mred[0m")
})

test("it signs on once for many calls", async () => {
  answer = (_method, reply) => reply(null, { ok: true })
  await Promise.all([master.request("t", "reconcile", "a"), master.request("t", "reconcile", "b")])
  await master.request("t", "reconcile", "c")
  assert.is(signOns, 1)
})

test("it signs on again where the master does not know it any more", async () => {
  answer = (_method, reply) =>
    signOns === 1 ? reply({ faultCode: 3, faultString: "Access Denied" }) : reply(null, { ok: true })
  assert.ok(await master.request("t", "reconcile", "a"))
  assert.is(signOns, 2)
})

test("a wrong password is told with what to do, and tried again at the next call", async () => {
  master = masterAt(url, "wrong")
  const error = await failure(master.request("t", "reconcile", "a"))
  assert.instance(error, MasterRefused)
  assert.match(error.message, "does not let saas_sidecar sign on to database master. Check MASTER_LOGIN")
  assert.not.match(error.message, "wrong")
  await failure(master.request("t", "reconcile", "a"))
  assert.is(signOns, 2)
})

test("a refusal is passed on in the master's own words", async () => {
  answer = (_method, reply) => reply({ faultCode: 2, faultString: "There is no tenant t.\n" })
  const error = await failure(master.request("t", "reconcile", "a"))
  assert.instance(error, MasterRefused)
  assert.is(error.message, "There is no tenant t.")
})

test("of a traceback only the error is for people", async () => {
  const faultString = "Traceback (most recent call last):\n  File \"x.py\", line 1\nKeyError: 'lease'\n"
  answer = (_method, reply) => reply({ faultCode: 1, faultString })
  const error = await failure(master.request("t", "reconcile", "a"))
  assert.instance(error, MasterRefused)
  assert.is(error.message, "The master failed: KeyError: 'lease'")
})

test("the error behind a chain of tracebacks is the last one, without what PostgreSQL points at", async () => {
  const faultString =
    "Traceback (most recent call last):\n  File \"x.py\", line 1\nKeyError: 'a'\n\n" +
    "During handling of the above exception, another exception occurred:\n\n" +
    'Traceback (most recent call last):\n  File "y.py", line 2\nValueError: there is no b\nLINE 1: b\n        ^\n'
  answer = (_method, reply) => reply({ faultCode: 1, faultString })
  assert.is(
    (await failure(master.request("t", "reconcile", "a"))).message,
    "The master failed: ValueError: there is no b",
  )
})

test("a master without its PostgreSQL is away, not broken", async () => {
  const faultString =
    'Traceback (most recent call last):\n  File "x.py", line 1\n' +
    'psycopg2.OperationalError: connection to server at "127.0.0.1", port 5432 failed: Connection refused\n' +
    "\tIs the server running on that host and accepting TCP/IP connections?\n\n"
  answer = (_method, reply) => reply({ faultCode: 1, faultString })
  assert.instance(await failure(master.request("t", "reconcile", "a")), MasterUnavailable)
})

test("an answer that is not understood is refused with the place where it is wrong", async () => {
  answer = (_method, reply) => reply(null, [{ operation: "4", kind: "reconcile" }])
  const error = await failure(master.claim(claimRequest))
  assert.instance(error, MasterRefused)
  assert.match(error.message, "The master's answer to claim is not understood at 0.")
  assert.match(error.message, "Install the versions of sidecar and saas_master that belong together.")
})

test("a master that does not answer in time is away", async () => {
  answer = () => undefined
  master = masterAt(url, "right", 200)
  const error = await failure(master.request("t", "reconcile", "a"))
  assert.instance(error, MasterUnavailable)
  assert.match(error.message, "no answer in 0.2 s")
})

test("a master at a Unix socket is found there", async () => {
  const folder = mkdtempSync(join(tmpdir(), "xmlrpc-"))
  const socket = createServer((request, response) => server.httpServer.emit("request", request, response))
  await new Promise<void>((resolve) => socket.listen(join(folder, "http.sock"), resolve))
  answer = (_method, reply) => reply(null, { ok: true })
  master = masterAt(`unix:${join(folder, "http.sock")}`)
  assert.is(await master.request("tabcdefghij", "reconcile", "a"), true)
  assert.is(signOns, 1)
  socket.closeAllConnections()
  await new Promise((resolve) => socket.close(resolve))
  master.close()
  master = masterAt(`unix:${join(folder, "http.sock")}`)
  const error = await failure(master.request("tabcdefghij", "reconcile", "a"))
  assert.instance(error, MasterUnavailable)
  assert.match(error.message, "ENOENT")
  rmSync(folder, { recursive: true })
})

test("nobody listening is away", async () => {
  const error = await failure(masterAt("http://127.0.0.1:1").request("t", "reconcile", "a"))
  assert.instance(error, MasterUnavailable)
  assert.match(error.message, "The master at http://127.0.0.1:1 does not answer: ")
  assert.match(error.message, "ECONNREFUSED")
})

for (const [what, status, body] of [
  ["a proxy's error page", 502, "<html><body><h1>Bad Gateway</h1></body></html>"],
  ["nothing at all", 200, ""],
  ["something else than XML", 200, "hello"],
  ["half an answer", 200, '<?xml version="1.0"?><methodResponse><params><param><value><int>7'],
  ["a page that is not there", 404, "not found"],
] as const) {
  test(`${what} in place of an answer is away`, async () => {
    const other = await serve(status, body)
    try {
      const { port } = other.address() as AddressInfo
      const error = await failure(masterAt(`http://127.0.0.1:${port}`, "right", 1000).hello(info))
      assert.instance(error, MasterUnavailable)
    } finally {
      other.closeAllConnections()
      other.close()
    }
  })
}

test.run()

const info = { protocol: protocolVersion, worker: "w", version: "0", targets: [], servers: [], strays: null }

function masterAt(url: string, password = "right", timeoutMs?: number): XmlRpcMaster {
  return new XmlRpcMaster({ url, database: "master", login: "saas_sidecar", password }, timeoutMs)
}

async function failure(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
  throw new Error("It did not fail")
}

async function serve(status: number, body: string): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(status).end(body)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return server
}
