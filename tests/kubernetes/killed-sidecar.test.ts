/** The sidecar is killed after every step of a tenant's life on Kubernetes, and the API server too: both go on. */
import { strict as assert } from "node:assert"
import { suite } from "uvu"
import { assertAllIsDone, inPostgres } from "../helpers/census.ts"
import { Killer } from "../helpers/killer.ts"
import { deletingSteps, makingSteps, resumingSteps, suspendingSteps } from "../helpers/life-steps.ts"
import { confirmQuotation, deleteForGood, readTenant, type TenantRow, waitForPhase } from "../helpers/sales.ts"
import { until } from "../helpers/wait.ts"
import { makeProduct, type Product } from "./product.ts"

const test = suite("a sidecar of Kubernetes killed after each step")

let product: Product
let killer: Killer
let tenant: TenantRow
const others: TenantRow[] = []

test.before(async () => {
  product = await makeProduct("killed")
  killer = new Killer(product.atWork)
})

test.after(() => product?.destroy())

test("while a tenant is made", async () => {
  // It is started while its database is made. Once that is open, there may be nothing left to wait for by the time that
  // another worker goes on.
  const making = makingSteps.filter((kind) => kind !== "open_database")
  await killer.afterEach(making, async () => {
    tenant = await confirmQuotation(product.master, { slug: "phoenix", plan: product.plan.name })
  })
  await waitForPhase(product.master, tenant.id, "running", 180)
  await assertOneOfEach([tenant])
  assert.equal((await product.visit("phoenix")).status, 200)
})

test("while its database is opened", async () => {
  let late: TenantRow | undefined
  await killer.afterEach(["open_database"], async () => {
    late = await confirmQuotation(product.master, { slug: "late", plan: product.plan.name })
  })
  others.push(await waitForPhase(product.master, late?.id ?? 0, "running", 180))
  await assertOneOfEach([tenant, ...others])
})

test("while it is suspended and resumed", async () => {
  await killer.afterEach(suspendingSteps, async () => {
    const reason = "An invoice is unpaid."
    const wizard = await product.master.create("saas.tenant.suspend", { tenant_id: tenant.id, reason })
    await product.master.call("saas.tenant.suspend", "action_confirm", [[wizard]])
  })
  await waitForPhase(product.master, tenant.id, "suspended", 180)
  assert.match((await product.visit("phoenix")).body, /This Odoo is paused/)
  await killer.afterEach(resumingSteps, async () => {
    await product.master.call("saas.tenant", "action_resume", [[tenant.id]])
  })
  await waitForPhase(product.master, tenant.id, "running", 180)
  await assertOneOfEach([tenant, ...others])
})

test("while the API server is away, tenants serve, and what is wanted meanwhile is done when it is back", async () => {
  const server = product.cluster.apiServer
  // Others may work with a cluster that is not ours.
  if (server === null) return
  await server.kill()
  assert.equal((await product.visit("phoenix")).status, 200)
  const { id } = await confirmQuotation(product.master, { slug: "meanwhile", plan: product.plan.name })
  const waits = async () =>
    /The cluster at .* does not answer/.test((await readTenant(product.master, id)).message || "")
  await until("its page says what it waits for", waits)
  await server.start()
  others.push(await waitForPhase(product.master, id, "running", 240))
  assert.equal((await product.visit("meanwhile")).status, 200)
  await assertOneOfEach([tenant, ...others])
})

test("while it is deleted", async () => {
  await killer.afterEach(deletingSteps, () => deleteForGood(product.master, tenant))
  await waitForPhase(product.master, tenant.id, "deleted", 180)
  await assertOneOfEach(others)
})

test("no kind of step was forgotten", () => {
  // Those of PostgreSQL alone (its rights, its users, a template) are tried where they are no different.
  killer.assertKilledAfter([...new Set([...makingSteps, ...resumingSteps, ...deletingSteps])])
})

/** Exactly one of everything for those that run, nothing of all others, and every operation was done. */
async function assertOneOfEach(running: readonly TenantRow[]): Promise<void> {
  const { kubectl } = product.cluster
  const refs = running.map(({ ref }) => ref).sort()
  const selector = "--selector=odoo-saas/tenant,odoo-saas/tenant!=workshop"
  const namesOf = async (kind: string): Promise<string[]> => {
    const { items } = JSON.parse(await kubectl.run(["get", kind, selector, "--all-namespaces", "-o", "json"]))
    const mine = (items as { metadata: { namespace?: string; name: string; labels: Record<string, string> } }[]).filter(
      ({ metadata }) => (metadata.namespace ?? metadata.name).startsWith(`saas-${process.pid}-t`),
    )
    return mine.map(({ metadata }) => metadata.labels["odoo-saas/tenant"] ?? "").sort()
  }
  for (const kind of ["namespaces", "deployments", "pods", "persistentvolumeclaims", "ingresses"]) {
    assert.deepEqual(await namesOf(kind), refs, kind)
  }
  assert.deepEqual(await inPostgres(product.installation), { databases: refs, roles: refs })
  await assertAllIsDone(product.master)
}

test.run()
