/** A tenant's whole life on Kubernetes: sold in a real master, made by a real sidecar, served by a real pod. */
import { strict as assert } from "node:assert"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { suite } from "uvu"
import { deleteForGood, readTenant, type TenantRow, waitForPhase } from "../helpers/sales.ts"
import { until } from "../helpers/wait.ts"
import { openWebsocket } from "../helpers/websocket.ts"
import { makeProduct, type Product } from "./product.ts"

const test = suite("a tenant's life on Kubernetes")

let product: Product
let tenant: TenantRow
let volume: string

test.before(async () => {
  product = await makeProduct("life", { builds: true, policies: "enforced" })
})

test.after(() => product?.destroy())

test("a confirmed quotation becomes an Odoo that answers at its address", async () => {
  tenant = await product.sell("acme")
  assert.equal(tenant.message, false)
  const login = await product.visit("acme")
  assert.equal(login.status, 200)
  assert.match(login.body, /name="login"/)
  const pods = await product.cluster.kubectl.list("pods", product.namespaceOf(tenant))
  assert.equal(pods.length, 1)
  const [target] = await product.master.search<{ kind: string; state: string; memory_mb: number }>(
    "saas.target",
    [],
    ["kind", "state", "memory_mb"],
  )
  assert.deepEqual({ kind: target?.kind, state: target?.state }, { kind: "kubernetes", state: "ready" })
  assert.ok((target?.memory_mb ?? 0) > 1000)
})

test("a person has it checked whether tenants are kept apart, and a sidecar that is killed meanwhile leaves nothing", async () => {
  const { kubectl } = product.cluster
  const probes = async () => {
    const namespaces = await kubectl.list("namespaces")
    return namespaces.filter(({ metadata }) => metadata.labels?.["odoo-saas/tenant"] === "probe")
  }
  const target = async () => {
    const fields = ["checks_isolation", "isolation", "isolation_verdict", "way_ids"]
    const [found] = await product.master.search<TargetRow>("saas.target", [], fields)
    if (!found) throw new Error("There is no target")
    return found
  }
  const { id, isolation, checks_isolation } = await target()
  assert.deepEqual({ isolation, checks_isolation }, { isolation: "unchecked", checks_isolation: true })
  await product.master.call("saas.target", "action_check_isolation", [[id]])
  await until("its first probe is there", async () => (await probes()).length > 0)
  await product.atWork.kill()
  const left = await probes()
  await product.atWork.start()
  await until("the report is there", async () => (await target()).isolation !== "unchecked", { seconds: 120 })
  await until("nothing is left of its probes", async () => (await probes()).length === 0)
  assert.ok(left.length > 0)
  const { isolation: found, isolation_verdict: verdict, way_ids } = await target()
  const ways = await Promise.all(way_ids.map((way) => product.master.read<WayRow>("saas.target.way", way, wayFields)))
  const matrix = ways.map(({ origin_label, aim_label, wanted }) => `${origin_label}, ${aim_label}: ${wanted}`)
  assert.deepEqual(matrix, [
    "A tenant, Itself: open",
    "A tenant, The database server local: open",
    "A tenant, Another tenant: shut",
    "A tenant, The control of the cluster: shut",
    "A tenant, The cloud's metadata: shut",
    "The sidecar, A tenant: open",
  ])
  const wrong = ways.filter((way) => way.wanted !== way.found).map(({ aim_label }) => aim_label)
  // A cluster of our own holds pods to their policies; one of KUBECONFIG may.
  const isKept = product.cluster.node !== null || found === "kept"
  assert.deepEqual(wrong, isKept ? [] : ["Another tenant", "The control of the cluster"])
  assert.match(verdict, isKept ? /^Tenants are isolated/ : /^This cluster does not enforce network policies.* Calico/)
})

test("whoever visits it while it is suspended reads that it is paused", async () => {
  await dialog("saas.tenant.suspend", { reason: "Invoice 7 is unpaid." })
  await waitForPhase(product.master, tenant.id, "suspended")
  const page = await product.visit("acme", "/odoo")
  assert.equal(page.status, 503)
  assert.match(page.body, /This Odoo is paused/)
  assert.deepEqual(await product.cluster.kubectl.list("pods", product.namespaceOf(tenant)), [])
})

test("resumed, it serves again, with the files that it had", async () => {
  await product.master.call("saas.tenant", "action_resume", [[tenant.id]])
  await waitForPhase(product.master, tenant.id, "running")
  assert.equal((await product.visit("acme")).status, 200)
})

test("renamed, it is found at the new address and not at the old one", async () => {
  await dialog("saas.tenant.rename", { slug: "apex" })
  const { url } = await waitForPhase(product.master, tenant.id, "running")
  assert.match(url, /apex\.localhost/)
  assert.equal((await product.visit("apex")).status, 200)
  assert.equal((await product.visit("acme")).status, 404)
})

test("a larger plan is there at once, in the namespace and in the pod", async () => {
  await product.master.write("product.template", product.plan.id, { saas_memory_mb: 1536 })
  await waitForPhase(product.master, tenant.id, "running")
  const namespace = product.namespaceOf(tenant)
  const [pod] = await product.cluster.kubectl.list("pods", namespace)
  assert.equal(pod?.spec.containers[0].resources.limits.memory, "1536Mi")
  const quota = await product.cluster.kubectl.get("resourcequota", "plan", namespace)
  assert.equal(quota?.spec.hard["limits.memory"], "3200Mi")
  assert.equal((await product.visit("apex")).status, 200)
})

test("a plan whose tenants call nobody holds at once, and so does one that lets them again", async () => {
  const namespace = product.namespaceOf(tenant)
  const allowedPorts = async () => {
    const policy = await product.cluster.kubectl.get("networkpolicy", "outgoing", namespace)
    return (policy?.spec.egress ?? []).flatMap(({ ports }: { ports: { port: number }[] }) =>
      ports.map(({ port }) => port),
    )
  }
  assert.deepEqual(await allowedPorts(), [443])
  await product.master.write("product.template", product.plan.id, { saas_outgoing_https: false })
  await waitForPhase(product.master, tenant.id, "running")
  assert.deepEqual(await allowedPorts(), [])
  await product.master.write("product.template", product.plan.id, { saas_outgoing_https: true })
  await waitForPhase(product.master, tenant.id, "running")
  assert.deepEqual(await allowedPorts(), [443])
})

test("a plan with workers has websockets answered apart, and one without has nothing left of that", async () => {
  const namespace = product.namespaceOf(tenant)
  const take = async (plan: Readonly<Record<string, number>>) => {
    await product.master.write("product.template", product.plan.id, plan)
    await waitForPhase(product.master, tenant.id, "running")
    const [pod, ...others] = await product.cluster.kubectl.list("pods", namespace)
    assert.deepEqual(others, [])
    assert.equal((await product.visit("apex")).status, 200)
    // Through the ingress controller, from whoever it is who answers.
    const place = { address: product.cluster.ingressAddress ?? "", port: 80, host: "apex.localhost" }
    const { status, socket } = await openWebsocket(place)
    socket?.destroy()
    assert.equal(status, 101)
    return pod?.spec.containers.map(({ name }: { name: string }) => name)
  }
  assert.deepEqual(await take({ saas_workers: 2, saas_connections: 17 }), ["odoo", "websocket"])
  const { message, additions } = await product.master.read<Said>("saas.tenant", tenant.id, ["message", "additions"])
  assert.deepEqual({ message, additions }, { message: false, additions: false })
  assert.deepEqual(await take({ saas_workers: 0 }), ["odoo"])
})

test("deleted, nothing of it is left but a backup that was verified", async () => {
  const { kubectl } = product.cluster
  const namespace = product.namespaceOf(tenant)
  volume = (await kubectl.get("persistentvolumeclaim", "data", namespace))?.spec.volumeName
  await deleteForGood(product.master, tenant)
  await waitForPhase(product.master, tenant.id, "deleted")
  assert.equal((await readTenant(product.master, tenant.id)).message, false)
  assert.equal(await kubectl.get("namespace", namespace), null)
  assert.equal((await product.visit("apex")).status, 404)
  const { installation } = product
  const sql = `SELECT datname FROM pg_database WHERE datname = '${tenant.ref}'
    UNION SELECT rolname FROM pg_roles WHERE rolname = '${tenant.ref}'`
  const { rows } = await installation.postgres.query("postgres", (client) => client.query(sql))
  assert.deepEqual(rows, [])
  const backup = join(installation.stateDir, "backups", tenant.ref, "final")
  assert.deepEqual(readdirSync(backup).sort(), ["db.dump", "filestore.tar", "manifest.json"])
  const { verifiedAt } = JSON.parse(readFileSync(join(backup, "manifest.json"), "utf8"))
  assert.ok(verifiedAt)
})

test("a volume that somebody made by hand is left to them, and nobody gets it who comes later", async () => {
  const left = await until("it is let go", async () => {
    const found = await product.cluster.kubectl.get("persistentvolume", volume)
    return found?.status.phase === "Released" ? found : null
  })
  assert.ok(existsSync(left.spec.local.path))
})

interface TargetRow {
  readonly id: number
  readonly checks_isolation: boolean
  readonly isolation: string
  readonly isolation_verdict: string
  readonly way_ids: readonly number[]
}

interface Said {
  readonly message: string | false
  readonly additions: string | false
}

const wayFields = ["origin_label", "aim_label", "wanted", "found"] as const

type WayRow = Readonly<Record<(typeof wayFields)[number], string>>

/** What a person fills in and confirms. */
async function dialog(model: string, values: Record<string, unknown>): Promise<void> {
  const wizard = await product.master.create(model, { tenant_id: tenant.id, ...values })
  await product.master.call(model, "action_confirm", [[wizard]])
}

test.run()
