import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pino } from "pino"
import { suite } from "uvu"
import * as assert from "uvu/assert"
import { askSocket } from "../../scripts/lib/unix-http.ts"
import { publicKey, signingKey } from "../../sidecar/domain/tokens.ts"
import { createApp, type Listening, listen, listenAtSocket } from "../../sidecar/http/app.ts"
import type { Check } from "../../sidecar/http/health.ts"
import { Metrics } from "../../sidecar/http/metrics.ts"
import { signOn } from "../../sidecar/http/sign-on.ts"

const test = suite("http")

const root = Buffer.alloc(32, 3)
const token = "a token that nobody guesses"
const tenant = "tabcdefghij"

let listening: Listening
let base = ""
let nudges = 0
let metrics: Metrics
let checks: Check[]

test.before.each(async () => {
  nudges = 0
  metrics = new Metrics()
  checks = [
    { name: "master", run: async () => "" },
    { name: "postgresql", run: async () => "" },
  ]
  const app = createApp({
    token,
    checks,
    metrics,
    nudge: () => {
      nudges += 1
    },
    signOn: signOn(signingKey(root)),
    log: pino({ level: "silent" }),
  })
  listening = await listen(app, "127.0.0.1", 0)
  base = `http://127.0.0.1:${listening.port}`
})

test.after.each(() => listening.close())

test("it is alive whatever else is not", async () => {
  checks.push({ name: "target local", run: () => Promise.reject(new Error("away")) })
  assert.is((await fetch(`${base}/healthz`)).status, 200)
})

test("it is ready when everything is, with what there is to say", async () => {
  checks.push({ name: "target local", run: async () => "Own user: start as root." })
  const answer = await fetch(`${base}/readyz`)
  assert.is(answer.status, 200)
  assert.equal(await answer.json(), {
    ready: true,
    checks: {
      master: { ready: true, reason: "" },
      postgresql: { ready: true, reason: "" },
      "target local": { ready: true, reason: "Own user: start as root." },
    },
  })
})

test("it is not ready while one thing is missing, and says which and why", async () => {
  checks.push({
    name: "target local",
    run: () => Promise.reject(new Error("nginx does not start: port 8080 is taken")),
  })
  const answer = await fetch(`${base}/readyz`)
  assert.is(answer.status, 503)
  const { ready, checks: seen } = (await answer.json()) as { ready: boolean; checks: Record<string, unknown> }
  assert.is(ready, false)
  assert.equal(seen["target local"], { ready: false, reason: "nginx does not start: port 8080 is taken" })
  assert.equal(seen.master, { ready: true, reason: "" })
})

test("a check that hangs does not hang the answer", async () => {
  checks.push({ name: "master", run: () => new Promise(() => undefined) })
  const answer = await fetch(`${base}/readyz`)
  assert.is(answer.status, 503)
  assert.match(await answer.text(), "It did not answer within 3 s.")
})

test("numbers are there for who collects them", async () => {
  metrics.watch({ queued: () => 4, running: () => 2 })
  metrics.stepEnded("clone_database", 0.22, true)
  metrics.operationEnded("reconcile", "done", 2.5)
  metrics.operationEnded("reconcile", "retry", 1)
  metrics.phaseSeen("ta", "running")
  metrics.phaseSeen("tb", "provisioning")
  metrics.phaseSeen("tb", "running")
  metrics.phaseSeen("tc", "deleted")
  // Another sidecar has deleted it.
  metrics.phaseSeen("td", "running")
  metrics.tenantsKnown(new Set(["ta", "tb"]))
  const answer = await fetch(`${base}/metrics`)
  assert.match(answer.headers.get("content-type") ?? "", "text/plain")
  const text = await answer.text()
  assert.match(text, /^saas_queue_depth 4$/m)
  assert.match(text, /^saas_leases 2$/m)
  assert.match(text, /^saas_tenants\{phase="running"\} 2$/m)
  assert.match(text, /^saas_tenants\{phase="deleted"\} 0$/m)
  assert.match(text, /^saas_step_duration_seconds_count\{step="clone_database",result="done"\} 1$/m)
  assert.match(text, /^saas_operation_duration_seconds_bucket\{le="3",kind="reconcile",outcome="done"\} 1$/m)
  assert.match(text, /^saas_operation_failures_total\{kind="reconcile"\} 1$/m)
})

test("a nudge needs the token", async () => {
  for (const authorization of [undefined, "", "Bearer", "Bearer wrong", token, `Basic ${token}`, `Bearer ${token}x`]) {
    const answer = await post("/nudge", "", authorization === undefined ? {} : { authorization })
    assert.is(answer.status, 401, authorization)
  }
  assert.is(nudges, 0)
  const answer = await post("/nudge", "")
  assert.is(answer.status, 204)
  assert.is(nudges, 1)
})

test("a sign-on is signed for that tenant and that person", async () => {
  const ann = { subject: "ua2b3c4d5e6f7abcd", login: "ann@acme.example", name: "Ann", staff: false, reason: "" }
  const answer = await post("/sign-on", { tenant, ...ann })
  assert.is(answer.status, 200)
  const { token: signed } = (await answer.json()) as { token: string }
  const payload = JSON.parse(Buffer.from(signed.split(".")[0] ?? "", "base64url").toString("utf8"))
  assert.is(payload.aud, tenant)
  assert.is(payload.act, "sign_on")
  assert.equal(payload.data, ann)
  assert.is(Buffer.from(publicKey(root), "base64").length, 32)
})

test("nobody gets a sign-on without the token", async () => {
  const body = { tenant, subject: "first", login: "ann", name: "Ann", staff: false, reason: "" }
  const answer = await post("/sign-on", body, { authorization: "Bearer wrong" })
  assert.is(answer.status, 401)
  assert.not.match(await answer.text(), /"token"/)
})

const person = { tenant, subject: "first", login: "ann", name: "Ann", staff: false, reason: "" }

for (const [what, body, status, sentence] of [
  ["what is not JSON", "{", 400, "The body is not JSON."],
  ["nothing", "", 400, "The body is not JSON."],
  ["a list", [], 422, "The body is wrong at its root"],
  [
    "something else than a tenant",
    { ...person, tenant: "../etc" },
    422,
    "The body is wrong at tenant: it is not a tenant's id.",
  ],
  ["nobody's subject", { ...person, subject: "boss@acme.example" }, 422, "at subject: it is nobody's subject."],
  ["nobody", { ...person, login: " " }, 422, "The body is wrong at login: it must not be empty."],
  ["a word in place of yes or no", { ...person, staff: "yes" }, 422, "The body is wrong at staff"],
  ["more than is known", { ...person, admin: true }, 422, "admin"],
  ["staff without a reason", { ...person, staff: true }, 422, "Staff sign on with a reason."],
  ["far too much", "x".repeat(100_000), 413, "The body may have at most 16384 bytes."],
] as const) {
  test(`a sign-on for ${what} is refused with a sentence`, async () => {
    const answer = await post("/sign-on", body)
    assert.is(answer.status, status)
    assert.match(((await answer.json()) as { error: string }).error, sentence)
  })
}

test("other places and other methods are told apart", async () => {
  assert.is((await fetch(`${base}/elsewhere`)).status, 404)
  const answer = await fetch(`${base}/nudge`)
  assert.is(answer.status, 405)
  assert.is(answer.headers.get("allow"), "POST")
  assert.is((await post("/healthz", "")).status, 405)
})

test("what fails inside stays inside", async () => {
  metrics.registry.metrics = () => Promise.reject(new Error("the password is hunter2"))
  const answer = await fetch(`${base}/metrics`)
  assert.is(answer.status, 500)
  assert.not.match(await answer.text(), "hunter2")
})

test("it answers at a Unix socket as well, also where a killed one has left its own", async () => {
  const folder = mkdtempSync(join(tmpdir(), "http-"))
  const path = join(folder, "sidecar.sock")
  const app = createApp({
    token,
    checks,
    metrics,
    nudge: () => undefined,
    signOn: signOn(signingKey(root)),
    log: pino(),
  })
  writeFileSync(path, "")
  const local = await listenAtSocket(app, path)
  assert.equal(await askSocket(path, { path: "/healthz", timeoutMs: 5000 }), { status: 200, body: '{"alive":true}' })
  assert.is((await askSocket(path, { path: "/nudge", json: {}, timeoutMs: 5000 }))?.status, 401)
  await local.close()
  assert.is(await askSocket(path, { path: "/healthz", timeoutMs: 5000 }), null)
  rmSync(folder, { recursive: true })
})

test("a port that is taken is told", async () => {
  const app = createApp({
    token,
    checks,
    metrics,
    nudge: () => undefined,
    signOn: signOn(signingKey(root)),
    log: pino(),
  })
  try {
    await listen(app, "127.0.0.1", listening.port)
  } catch (error) {
    assert.match(String(error), `127.0.0.1:${listening.port} cannot be listened on`)
    assert.match(String(error), "SIDECAR_PORT")
    return
  }
  assert.unreachable("two servers listen on one port")
})

test.run()

function post(path: string, body: unknown, headers: Record<string, string> = { authorization: `Bearer ${token}` }) {
  const text = typeof body === "string" ? body : JSON.stringify(body)
  return fetch(`${base}${path}`, { method: "POST", body: text, headers })
}
