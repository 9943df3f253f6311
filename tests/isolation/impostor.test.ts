/**
 * A process of a tenant's user waits until a part of the control plane is away, and stands in its place where the machine
 * lets it. Nobody tells it anything, and every part comes back. Its user is that of the first seat: there need be no tenant.
 */
import { strict as assert } from "node:assert"
import { readFileSync } from "node:fs"
import { connect } from "node:net"
import { dirname, join } from "node:path"
import { suite } from "uvu"
import { startOf } from "../../scripts/lib/processes.ts"
import { Impostor } from "../helpers/impostor.ts"
import { type Installation, makeInstallation } from "../helpers/installation.ts"
import { Master } from "../helpers/master.ts"
import { visit } from "../helpers/tenant.ts"
import { until } from "../helpers/wait.ts"

const test = suite("a tenant in our place")

const cookie = "session_id=somebody-elses"

let it: Installation
let uid: number
let impostor: Impostor

test.before(async () => {
  it = await makeInstallation("impostor", { parts: "master", sidecarEnv: { POLL_SECONDS: "1" } })
  uid = it.uidBase + 1
  // No template is built meanwhile.
  await setParameter("saas.paused", "True")
  await it.sidecar.start()
  await serves()
})

test.after(async () => {
  const waiting = new Impostor(uid, [it.ports.postgres])
  await waiting.has(it.ports.postgres)
  await it.destroy()
  assert.equal(startOf(waiting.pid), null, "nobody is left to wait for the next start")
})

test.after.each(() => impostor.end())

test("PostgreSQL is away", async () => {
  const socket = join(it.postgres.sockets, `.s.PGSQL.${it.ports.postgres}`)
  await it.postgres.stop("immediate")
  impostor = new Impostor(uid, [it.ports.postgres, socket])
  await impostor.has(it.ports.postgres)
  await impostor.isRefused(socket)
  await until("the sidecar misses it", async () => /does not serve us/.test(await readiness()))
  await assert.rejects(new Master(it.master).call("res.users", "search", [[]]))
  await it.postgres.start()
  await serves()
  assert.deepEqual(impostor.heard, [])
})

test("the master is away", async () => {
  await it.masterServer.kill()
  impostor = new Impostor(uid, [it.masterSocket])
  await impostor.isRefused(it.masterSocket)
  await until("the sidecar misses it", async () => /The master at .* does not answer/.test(await readiness()))
  assert.equal((await visit(`http://localhost:${it.ports.http}/web/login`, { headers: { cookie } })).status, 503)
  await it.masterServer.start()
  await serves()
  assert.deepEqual(impostor.heard, [])
})

test("the sidecar is away, and nginx, whose ports anybody may have", async () => {
  const { sidecar, http } = it.ports
  const socket = join(it.stateDir, "sockets/sidecar/sidecar.sock")
  await it.sidecar.kill()
  const nginx = Number(readFileSync(join(it.stateDir, "nginx/nginx.pid"), "utf8"))
  process.kill(nginx, "SIGTERM")
  impostor = new Impostor(uid, [sidecar, http, socket])
  await Promise.all([impostor.has(sidecar), impostor.has(http), impostor.isRefused(socket)])
  // It makes the master nudge the sidecar, with its token.
  await setParameter("saas.patience", "much")
  for (const port of [sidecar, http]) assert.equal(await isAnswered(port), false, String(port))
  await assert.rejects(it.sidecar.start(), new RegExp(`Port ${sidecar} .* is taken by python3 \\(pid \\d+\\)`))
  await impostor.end()
  assert.deepEqual(impostor.heard, [])
  impostor = new Impostor(uid, [dirname(socket)])
  await it.sidecar.start()
  await serves()
})

async function setParameter(key: string, value: string): Promise<void> {
  await new Master(it.master).call("ir.config_parameter", "set_param", [key, value])
}

/** What /readyz says, whatever that is. */
async function readiness(): Promise<string> {
  return await (await fetch(`http://127.0.0.1:${it.ports.sidecar}/readyz`)).text()
}

/** Resolves once everything works together again. */
async function serves(): Promise<void> {
  await until("the sidecar is ready", async () => (await fetch(`http://127.0.0.1:${it.ports.sidecar}/readyz`)).ok)
  const login = `http://localhost:${it.ports.http}/web/login`
  await until("the master is shown", async () => (await visit(login)).status === 200)
}

/** A server that may answer does so at once. */
function isAnswered(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port }).setTimeout(1500, () => socket.destroy())
    socket.on("connect", () => resolve(true))
    socket.on("error", () => undefined)
    socket.on("close", () => resolve(false))
  })
}

test.run()
