/** Several database servers of one target: each tenant's acts and epochs are its own server's, and only its own. */
import { strict as assert } from "node:assert"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { pino } from "pino"
import { suite } from "uvu"
import { pickFree } from "../../scripts/lib/ports.ts"
import { Cluster } from "../../scripts/lib/postgres.ts"
import { readConfig } from "../../sidecar/config.ts"
import type { TenantId, TenantSpec } from "../../sidecar/domain/tenant.ts"
import type { LoopbackEndpoint } from "../../sidecar/drivers/process/endpoint.ts"
import { openProcess } from "../../sidecar/target.ts"
import { type Installation, makeInstallation } from "../helpers/installation.ts"
import { until } from "../helpers/wait.ts"
import { type Driver, fenceOf, newId, specOf, template } from "./conformance/world.ts"
import { templateSnapshot } from "./process/world.ts"

const test = suite("several database servers")

const maxTenants = 2

let it: Installation
let second: Cluster
let driver: Driver<LoopbackEndpoint>

test.before(async () => {
  it = await makeInstallation("servers", {
    parts: "database",
    startFrom: (places, odoo) => templateSnapshot(odoo, places),
  })
  const port = await pickFree(it.ports.postgres + 1, it.ports.postgres + 100)
  second = new Cluster({ ...it.postgres.options, folder: join(it.stateDir, "second"), port })
  await second.create()
  await second.start()
  await second.ensureRoles(it.secrets)
  const file = join(it.stateDir, "servers.json")
  const passwordFile = it.secrets.path("pg-operator-password")
  writeFileSync(
    file,
    JSON.stringify([{ name: "second", address: `${second.sockets}:${port}`, passwordFile, maxTenants }]),
  )
  const config = readConfig(it.sidecarEnv({ PG_SERVERS_FILE: file }))
  driver = await openProcess(config, () => "c0ffee00-0000-4000-8000-000000000000", pino({ level: "silent" }))
})

test.after(async () => {
  await driver.target.close()
  await driver.databases.close()
  await second.stop("immediate")
  await it.destroy()
})

test("each has templates of its own, and one is built where it is missing", async () => {
  const { templates } = driver
  assert.equal(await templates.observe(template, "local"), "ready")
  assert.equal(await templates.observe(template, "second"), "absent")
  await templates.build(template, on("second", fenceOf(`tpl_${template.key}`)))
  assert.equal(await templates.observe(template, "second"), "ready")
})

test("a tenant's database is on its own server and on no other, and its Odoo finds it there", async () => {
  const [here, there] = [specOn("local"), specOn("second")]
  for (const spec of [here, there]) await make(spec)
  assert.deepEqual(await databasesOf(it.postgres), [here.id])
  assert.deepEqual(await databasesOf(second), [there.id])
  const fence = on("second", fenceOf(there.id))
  await driver.target.files.ensure(there, fence)
  await driver.target.runtime.ensure(there, fence)
  await until("its Odoo answers", async () => (await driver.target.runtime.observe(there.id)).state === "ready", {
    seconds: 60,
  })
  await driver.target.runtime.stop(fence, 0)
  for (const spec of [here, there]) await driver.databases.drop(spec, on(spec.server, fenceOf(spec.id, 2)))
  await driver.target.runtime.remove(on("second", fenceOf(there.id, 2)))
})

test("each tells how full it is, and what its tenants are promised", async () => {
  const spec = specOn("second")
  await make(spec)
  const [local, other] = await driver.target.servers.describe()
  assert.ok(local && other)
  assert.deepEqual([local.name, local.databases, local.promisedConnections], ["local", 0, 0])
  assert.deepEqual([other.name, other.databases, other.promisedConnections], ["second", 1, 12])
  assert.equal(other.maxDatabases, maxTenants)
  assert.ok(local.diskTotalMb > local.diskFreeMb && local.diskFreeMb > 0)
  await driver.databases.drop(spec, on("second", fenceOf(spec.id)))
})

test("one that is full refuses by its name, and the other one goes on", async () => {
  const specs = [specOn("second"), specOn("second")]
  for (const spec of specs) await make(spec)
  const last = specOn("second")
  await assert.rejects(driver.databases.clone(last, on("second", fenceOf(last.id))), (error: Error) => {
    assert.equal(error.name, "PermanentError")
    assert.match(
      error.message,
      /The database server second is full: it has 2 tenants.*add a database server, then retry/,
    )
    return true
  })
  assert.deepEqual(await driver.databases.observe(last), { stage: "absent", rights: "right" }, "and leaves nothing")
  const elsewhere = specOn("local")
  await make(elsewhere)
  for (const spec of [...specs, elsewhere]) await driver.databases.drop(spec, on(spec.server, fenceOf(spec.id)))
})

test("each keeps the epochs of its own tenants", async () => {
  const id = newId()
  const { databases } = driver
  await databases.raise(on("second", fenceOf(id, 5)))
  await assert.rejects(databases.raise(on("second", fenceOf(id, 4))), { name: "StaleEpoch" })
  for (const act of ["clone", "prepare", "open", "repairRights", "giveConnections", "drop"] as const) {
    await assert.rejects(
      databases[act](specOn("second", id), on("second", fenceOf(id, 4))),
      { name: "StaleEpoch" },
      act,
    )
  }
  // What acts on this machine asks the same server.
  await assert.rejects(driver.target.files.ensure(specOn("second", id), on("second", fenceOf(id, 4))), {
    name: "StaleEpoch",
  })
  // The other one has never heard of it.
  await databases.raise(on("local", fenceOf(id, 1)))
})

test("one that is away harms its own tenants only, and says why", async () => {
  const [here, there] = [specOn("local"), specOn("second")]
  await make(there)
  await second.stop("immediate")
  try {
    await driver.databases.ping()
    const [problem, ...others] = await driver.databases.problems()
    assert.match(String(problem), /The database server second is away, and its tenants wait for it: .*ENOENT/)
    assert.equal(others.length, 0)
    const [local, other] = await driver.target.servers.describe()
    assert.deepEqual([local?.ready, other?.ready], [true, false])
    assert.match(String(other?.notes), /does not serve us right now: .*ENOENT/)
    await make(here)
    assert.deepEqual(await driver.databases.observe(here), { stage: "open", rights: "right" })
    await assert.rejects(driver.databases.observe(there), { name: "RetryableError" })
    await assert.rejects(driver.databases.raise(on("second", fenceOf(there.id))), { name: "RetryableError" })
  } finally {
    await second.start()
  }
  assert.deepEqual(await driver.databases.problems(), [])
  assert.deepEqual(await driver.databases.observe(there), { stage: "open", rights: "right" })
  for (const spec of [here, there]) await driver.databases.drop(spec, on(spec.server, fenceOf(spec.id)))
})

test("one that nobody has told this sidecar of is named, and so is what to do", async () => {
  await assert.rejects(driver.databases.observe(specOn("third")), (error: Error) => {
    assert.equal(error.name, "PermanentError")
    assert.match(error.message, /does not know the database server third.*PG_SERVERS_FILE/)
    return true
  })
})

test("a server of a tenant's own is refused on this machine", async () => {
  const spec: TenantSpec = { ...specOn("local"), database: "dedicated" }
  assert.deepEqual(await driver.target.servers.observe(spec), { state: "absent" })
  await assert.rejects(driver.target.servers.ensure(spec, fenceOf(spec.id)), {
    name: "PermanentError",
    message: /makes no database servers for single tenants/,
  })
  assert.equal((await driver.target.describe()).dedicatedServers, false)
})

test.run()

function on<F extends { readonly server: string }>(server: string, fence: F): F {
  return { ...fence, server }
}

function specOn(server: string, id: TenantId = newId()): TenantSpec {
  return specOf({ template, domain: "localhost" }, id, { server })
}

async function make(spec: TenantSpec): Promise<void> {
  const fence = on(spec.server, fenceOf(spec.id))
  for (const act of ["clone", "prepare", "open"] as const) await driver.databases[act](spec, fence)
}

async function databasesOf(cluster: Cluster): Promise<string[]> {
  return await cluster.query("postgres", async (client) => {
    const { rows } = await client.query<{ name: string }>(
      "SELECT datname AS name FROM pg_database WHERE datname ~ '^t[a-z2-7]{10}$' ORDER BY 1",
    )
    return rows.map(({ name }) => name)
  })
}
