/** A tenant's whole life on Kubernetes: sold in a real master, made by a real sidecar, served by a real pod. */
import { strict as assert } from "node:assert"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { suite } from "uvu"
import { deleteForGood, readTenant, type TenantRow, waitForPhase } from "../helpers/sales.ts"
import { until } from "../helpers/wait.ts"
import { makeProduct, type Product } from "./product.ts"

const test = suite("a tenant's life on Kubernetes")

let product: Product
let tenant: TenantRow
let volume: string

test.before(async () => {
  product = await makeProduct("life", { builds: true })
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

test("whoever visits it while it is suspended reads why", async () => {
  await dialog("saas.tenant.suspend", { reason: "Invoice 7 is unpaid." })
  await waitForPhase(product.master, tenant.id, "suspended")
  const page = await product.visit("acme", "/odoo")
  assert.equal(page.status, 503)
  assert.match(page.body, /Invoice 7 is unpaid\./)
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

/** What a person fills in and confirms. */
async function dialog(model: string, values: Record<string, unknown>): Promise<void> {
  const wizard = await product.master.create(model, { tenant_id: tenant.id, ...values })
  await product.master.call(model, "action_confirm", [[wizard]])
}

test.run()
