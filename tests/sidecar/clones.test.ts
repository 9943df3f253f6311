/** What bounds the copies of one sidecar bounds those of all sidecars of a database server together. */
import { strict as assert } from "node:assert"
import { suite } from "uvu"
import { Servers } from "../../sidecar/databases/servers.ts"
import { TenantDatabases } from "../../sidecar/databases/tenant-databases.ts"
import type { TenantId } from "../../sidecar/domain/tenant.ts"
import { holdDatabase, type LetGo } from "../helpers/hold.ts"
import { type Installation, makeInstallation } from "../helpers/installation.ts"
import { until } from "../helpers/wait.ts"
import { aSpec } from "./helpers/spec.ts"

const test = suite("clones of several sidecars")

const template = "tpl_tiny"
const atOnce = 2

let it: Installation
/** Of two sidecars. */
let one: TenantDatabases
let two: TenantDatabases
let letGo: LetGo
let made = 0

test.before(async () => {
  it = await makeInstallation("clones", { parts: "database" })
  await sql(`CREATE DATABASE ${template} OWNER saas_operator ALLOW_CONNECTIONS false`)
  one = open()
  two = open()
})

// Whatever a test comes to: nothing may hang for ever.
test.after.each(() => letGo())

test.after(async () => {
  await one.close()
  await two.close()
  await it.destroy()
})

test("together they copy as many at once as one alone would, and whoever waits holds nobody up", async () => {
  letGo = await holdDatabase(it.postgres, template)
  const ids = [newId(), newId(), newId(), newId()]
  const clones = ids.map((id, index) => clone(index % 2 ? two : one, id))
  await until("two copy", async () => (await copying()) === atOnce)
  await until("the others were told to wait", async () => (await waiting()) === ids.length - atOnce, { everyMs: 5 })
  assert.equal(await copying(), atOnce)
  for (const databases of [one, two]) {
    const gone = newId()
    await databases.drop(aSpec({ id: gone }), fenceOf(gone))
    assert.equal((await databases.observe(aSpec({ id: newId() }))).stage, "absent")
  }
  await letGo()
  await Promise.all(clones)
  for (const id of ids) assert.equal(await stageOf(id), "cloned")
})

test("one that waits can be called off, and leaves nothing", async () => {
  letGo = await holdDatabase(it.postgres, template)
  const clones = [clone(one, newId()), clone(two, newId())]
  await until("two copy", async () => (await copying()) === atOnce)
  const id = newId()
  const lease = new AbortController()
  const calledOff = assert.rejects(clone(two, id, lease.signal))
  await until("it was told to wait", async () => (await waiting()) === 1, { everyMs: 5 })
  lease.abort()
  await calledOff
  await letGo()
  await Promise.all(clones)
  assert.equal(await stageOf(id), "absent")
})

test("a worker that dies gives its turn back", async () => {
  letGo = await holdDatabase(it.postgres, template)
  const dying = Promise.allSettled([clone(one, newId()), clone(one, newId())])
  await until("two copy", async () => (await copying()) === atOnce)
  const next = clone(two, newId())
  await until("the next one waits", async () => (await waiting()) === 1, { everyMs: 5 })
  await sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE DATABASE%'")
  assert.deepEqual(
    (await dying).map(({ status }) => status),
    ["rejected", "rejected"],
  )
  await letGo()
  await next
})

test("one that PostgreSQL refuses gives back what it was promised", async () => {
  const id = newId()
  const spec = aSpec({ id })
  const withoutTemplate = open("no_such_template")
  await assert.rejects(withoutTemplate.clone(spec, fenceOf(id)), { name: "RetryableError", message: /is gone/ })
  assert.deepEqual(await one.observe(spec), { stage: "absent", rights: "right" })
  await withoutTemplate.close()
})

test("the last room is given to one of two who ask at once", async () => {
  const before = await tenants()
  // Twelve for each: ten of the plan, two for the sidecar's own looks. Three are for superusers, a tenth is for ourselves.
  // A copy that was killed keeps its tenant's role, and with it its connections: it is tried again.
  const promised = (await count("SELECT FROM pg_roles WHERE rolname ~ '^tclones'")) * 12
  const usable = Math.ceil((promised + 12) / 0.9)
  await sql(`ALTER SYSTEM SET max_connections = ${usable + 3}`)
  await it.postgres.stop()
  await it.postgres.start()
  letGo = await holdDatabase(it.postgres, template)
  const clones = [clone(one, newId()), clone(two, newId())]
  const refusal = await Promise.race(
    clones.map((attempt) =>
      attempt.then(
        () => null,
        (error: Error) => error,
      ),
    ),
  )
  assert.equal(refusal?.name, "PermanentError")
  assert.match(
    String(refusal?.message),
    /The database server local is full: (\d+) of the \1 connections.* are promised .* needs 12.*add a database server/,
  )
  await letGo()
  const outcomes = await Promise.allSettled(clones)
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ["fulfilled", "rejected"])
  assert.equal(await tenants(), before + 1)
})

function open(from = template): TenantDatabases {
  const address = { host: it.postgres.sockets, port: it.ports.postgres }
  const password = it.secrets.read("pg-operator-password")
  const operator = { ...address, user: "saas_operator", password, database: "saas_operator" }
  return new TenantDatabases({
    servers: new Servers([
      { name: "local", operator, address, networks: [], namespaces: [], maxTenants: null, diskMb: null },
    ]),
    root: Buffer.alloc(32, 1),
    installation: () => "c0ffee00-0000-4000-8000-000000000000",
    templateOf: () => from,
    clones: atOnce,
  })
}

function newId(): TenantId {
  made += 1
  return `tclonesaa${"abcdefghijklmnopqrstuvwxyz"[made]}a`
}

function fenceOf(tenant: TenantId, signal = new AbortController().signal) {
  return { tenant, epoch: 1, server: "local", signal }
}

function clone(databases: TenantDatabases, id: TenantId, signal?: AbortSignal): Promise<void> {
  return databases.clone(aSpec({ id }), fenceOf(id, signal))
}

async function stageOf(id: TenantId): Promise<string> {
  return (await one.observe(aSpec({ id }))).stage
}

async function sql(statement: string) {
  return await it.postgres.query("postgres", (client) => client.query(statement))
}

async function count(question: string): Promise<number> {
  return (await sql(question)).rowCount ?? 0
}

function copying(): Promise<number> {
  return count("SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'CREATE DATABASE%'")
}

/** Acts that were told to wait rest between two questions. */
function waiting(): Promise<number> {
  return count("SELECT FROM pg_stat_activity WHERE application_name LIKE 'saas act %' AND query = 'COMMIT'")
}

function tenants(): Promise<number> {
  return count("SELECT FROM pg_database WHERE datname ~ '^t[a-z2-7]{10}$'")
}

test.run()
