/** A database server of a tenant's own: a real pod with a real PostgreSQL, from the first database to the last backup. */
import { strict as assert } from "node:assert"
import { suite } from "uvu"
import { StaleEpoch } from "../../sidecar/domain/errors.ts"
import type { TenantSpec } from "../../sidecar/domain/tenant.ts"
import { Tenant } from "../contract/conformance/tenant.ts"
import { fenceOf } from "../contract/conformance/world.ts"
import { type KubernetesWorld, makeKubernetesWorld } from "../contract/kubernetes/world.ts"
import { until } from "../helpers/wait.ts"
import type { KubeObject } from "./kubectl.ts"
import { restrictedNamespace, restrictedPod } from "./pods.ts"
import { type Address, reached } from "./reach.ts"
import { imageOfPrograms, systemImages } from "./system-images.ts"

const test = suite("a database server of a tenant's own")

/** What becomes of policies on a cluster of KUBECONFIG is not for us to know. */
const enforced = process.env.KUBECONFIG ? test.skip : test

let world: KubernetesWorld
let tenant: Tenant<unknown>

test.before(async () => {
  world = await makeKubernetesWorld("dedicated", async ({ addImages, node }) => {
    // Elsewhere the official one can be had.
    await addImages?.([imageOfPrograms()])
    await node?.enforcePolicies()
    return { KUBE_PG_IMAGE: addImages === null ? "postgres:17" : systemImages.programs }
  })
  tenant = new Tenant<unknown>(world as never, { database: "dedicated" })
})

test.after(() => world.destroy())

test("it is there once it is asked for, and asking again changes nothing", async () => {
  const { target, databases } = world.driver
  assert.equal((await target.describe()).dedicatedServers, true)
  assert.deepEqual(await target.servers.observe(tenant.spec), { state: "absent" })
  await databases.raise(tenant.fence)
  await target.servers.ensure(tenant.spec, tenant.fence)
  assert.deepEqual(await target.servers.observe(tenant.spec), { state: "ready" })
  const pod = await podUid()
  await target.servers.ensure(tenant.spec, { ...tenant.fence, epoch: 2 })
  assert.equal(await podUid(), pod)
  tenant.epoch = 2
})

test("its first database comes from a template of the shared server, and Odoo serves it", async () => {
  await tenant.makeDatabase()
  assert.deepEqual(await world.driver.databases.observe(tenant.spec), { stage: "open", rights: "right" })
  assert.deepEqual(await tenantsOnShared(), [], "nothing of it is on the shared server")
  await tenant.start()
  await tenant.awaitState("ready", 180)
  await tenant.route({ kind: "up" })
  assert.equal((await tenant.visit()).status, 200)
  const usage = await world.driver.databases.usage(tenant.spec)
  assert.ok(usage && usage.activeUsers >= 1 && usage.megabytes > 20, JSON.stringify(usage))
})

enforced("its Odoo reaches it and no other server, and nobody else's pod reaches either of them", async () => {
  const { cluster, prefix, shared } = world
  const strangers = `${prefix}strangers`
  const args = ["-m", "http.server", "8069", "--directory", "/usr/share/common-licenses"]
  const stranger = { name: "stranger", namespace: strangers, image: cluster.odooImage, args, port: 8069, path: "/" }
  await cluster.kubectl.apply(restrictedNamespace(strangers), restrictedPod(stranger))
  const foreign = await cluster.kubectl.podReady("stranger", strangers)
  const [odoo, postgres] = [await podOf("odoo"), await podOf("postgres")]
  const toPostgres: Address = [postgres.status.podIP, 5432]
  const toShared: Address = [shared.host, shared.port]
  const [fromOdoo, fromStranger] = await Promise.all([
    reached(cluster.kubectl, namespace(), odoo.metadata.name, [toPostgres, toShared, [foreign.status.podIP, 8069]]),
    reached(cluster.kubectl, strangers, "stranger", [toPostgres, toShared, [odoo.status.podIP, 8069]]),
  ])
  assert.deepEqual(fromOdoo, [true, false, false])
  // Nothing holds the stranger back: it is they who let nobody in.
  assert.deepEqual(fromStranger, [false, true, false])
  await cluster.kubectl.run(["delete", "namespace", strangers, "--wait=false"])
})

test("another sidecar finds it", async () => {
  const other = await world.another()
  assert.deepEqual(await other.target.servers.observe(tenant.spec), { state: "ready" })
  assert.deepEqual(await other.databases.observe(tenant.spec), { stage: "open", rights: "right" })
})

test("an older claim changes nothing there, whether the shared server knows of the younger one or its own does", async () => {
  const { target, databases } = world.driver
  const stale = fenceOf(tenant.id, 1)
  for (const act of ["clone", "prepare", "open", "repairRights", "giveConnections", "drop"] as const) {
    await assert.rejects(databases[act](tenant.spec, stale), StaleEpoch, act)
  }
  await assert.rejects(target.servers.ensure(tenant.spec, stale), StaleEpoch)
  await assert.rejects(target.servers.remove(tenant.spec, stale), StaleEpoch)
  await databases.raise(fenceOf(tenant.id, 3))
  await assert.rejects(databases.repairRights(tenant.spec, tenant.fence), StaleEpoch)
  tenant.epoch = 3
})

test("its pod dies and comes back with all the data", async () => {
  const before = await podUid()
  await world.cluster.kubectl.run(["delete", "pod", "postgres-0", "-n", namespace(), "--grace-period=0", "--force"])
  await until("there is another pod", async () => ![before, null].includes(await podUid()), { seconds: 60 })
  await until("it serves", async () => (await world.driver.target.servers.observe(tenant.spec)).state === "ready", {
    seconds: 120,
  })
  assert.deepEqual(await world.driver.databases.observe(tenant.spec), { stage: "open", rights: "right" })
})

test("another plan's connections restart it with what it then needs", async () => {
  const larger: TenantSpec = { ...tenant.spec, limits: { ...tenant.spec.limits, connections: 20 } }
  assert.deepEqual(await world.driver.target.servers.observe(larger), { state: "starting" })
  await world.driver.target.servers.ensure(larger, tenant.fence)
  assert.deepEqual(await world.driver.target.servers.observe(larger), { state: "ready" })
  assert.deepEqual(await world.driver.databases.observe(larger), { stage: "open", rights: "short" })
  await world.driver.databases.giveConnections(larger, tenant.fence)
  assert.deepEqual(await world.driver.databases.observe(larger), { stage: "open", rights: "right" })
  tenant.spec = larger
})

test("its volume outlives a namespace that somebody removes, and it comes back with all that was in it", async () => {
  const { target, databases } = world.driver
  const { kubectl } = world.cluster
  const volumeOf = async () => (await kubectl.get("persistentvolumeclaim", "postgres", namespace()))?.spec.volumeName
  const volume = await volumeOf()
  const before = await databases.usage(tenant.spec)
  // What a provisioner writes on the volumes that it makes; those of a test cluster are made by hand.
  await kubectl.run(["annotate", "persistentvolume", volume, "pv.kubernetes.io/provisioned-by=example.com/disks"])
  await kubectl.run(["delete", "namespace", namespace(), "--timeout=120s"])
  await until("it is seen that it is gone", async () => (await databases.usage(tenant.spec).catch(() => null)) === null)
  // A deletion that comes now has to find the data, and must not take the tenant for one without any.
  assert.deepEqual(await target.servers.observe(tenant.spec), { state: "starting" })
  await target.servers.ensure(tenant.spec, tenant.fence)
  assert.equal(await volumeOf(), volume)
  assert.deepEqual(await databases.observe(tenant.spec), { stage: "open", rights: "right" })
  assert.equal((await databases.usage(tenant.spec))?.activeUsers, before?.activeUsers)
  await target.files.ensure(tenant.spec, tenant.fence)
})

test("it goes with the tenant, after a final backup that was tried", async () => {
  const { target, databases } = world.driver
  await target.runtime.stop(tenant.fence, 0)
  await target.backups.take(tenant.spec, tenant.fence)
  await target.backups.verify(tenant.spec, tenant.fence)
  assert.equal(await target.backups.observe(tenant.id), "verified")
  await databases.drop(tenant.spec, tenant.fence)
  assert.deepEqual(await databases.observe(tenant.spec), { stage: "absent", rights: "right" })
  await target.runtime.remove(tenant.fence)
  await target.files.remove(tenant.fence)
  await target.servers.remove(tenant.spec, tenant.fence)
  assert.deepEqual(await target.servers.observe(tenant.spec), { state: "absent" })
  const left = await Promise.all(["statefulsets", "persistentvolumeclaims", "services"].map((kind) => namesOf(kind)))
  assert.equal(left.flat().includes("postgres"), false, left.join())
  await target.router.remove(tenant.fence)
})

test.run()

function namespace(): string {
  return `${world.prefix}${tenant.id}`
}

async function podOf(part: string): Promise<KubeObject> {
  const pods = await world.cluster.kubectl.list("pods", namespace())
  const found = pods.find(({ metadata }) => metadata.labels["odoo-saas/part"] === part)
  if (!found) throw new Error(`The tenant has no pod of ${part}.`)
  return found
}

async function namesOf(kind: string): Promise<string[]> {
  return (await world.cluster.kubectl.list(kind, namespace())).map(({ metadata }) => metadata.name)
}

async function podUid(): Promise<string | null> {
  const pods = await world.cluster.kubectl.list("pods", namespace())
  return pods.find(({ metadata }) => metadata.name === "postgres-0")?.metadata.uid ?? null
}

async function tenantsOnShared(): Promise<string[]> {
  const { rows } = await world.asSuperuser("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 't%\\_seed'")
  const own = await world.asSuperuser("postgres", `SELECT datname FROM pg_database WHERE datname = '${tenant.id}'`)
  return [...rows, ...own.rows].map(({ datname }) => datname)
}
