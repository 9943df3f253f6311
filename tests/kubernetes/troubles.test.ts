/** What goes wrong in a cluster is told on the tenant's page, and once it is mended the tenant serves again. */
import { strict as assert } from "node:assert"
import { suite } from "uvu"
import type { KubeObject } from "../cluster/kubectl.ts"
import { confirmQuotation, deleteForGood, readTenant, type TenantRow, waitForPhase } from "../helpers/sales.ts"
import { adopt, forgetTenant, straysOn, waitForStray } from "../helpers/strays.ts"
import { until } from "../helpers/wait.ts"
import { makeProduct, type Product } from "./product.ts"

const test = suite("troubles of a cluster")

let product: Product
let tenant: TenantRow
let place: string

test.before(async () => {
  product = await makeProduct("troubles")
  tenant = await product.sell("acme")
  place = product.namespaceOf(tenant)
})

test.after(() => product?.destroy())

const kubectl = (...args: string[]) => product.cluster.kubectl.run([`--namespace=${place}`, ...args])
const get = (kind: string, name: string) => product.cluster.kubectl.get(kind, name, place)

test("an object that somebody changed or removed is put right, and the audit log says what it was", async () => {
  await kubectl("delete", "networkpolicy", "default-deny")
  await until("the policy is back", () => get("networkpolicy", "default-deny"))
  await audited(/NetworkPolicy default-deny is not there\. It is put right/)

  const open = { spec: { ingress: [{}] } }
  await kubectl("patch", "networkpolicy", "default-deny", "--type=merge", "-p", JSON.stringify(open))
  const isShut = async () => !(await get("networkpolicy", "default-deny"))?.spec.ingress?.length
  await until("the policy lets nobody in again", isShut)
  await audited(/default-deny is not as it should be: spec\.ingress has 1 entries, not 0/)

  const elsewhere = [{ op: "replace", path: "/spec/rules/0/http/paths/1/backend/service/name", value: "pages" }]
  await kubectl("patch", "ingress", "odoo", "--type=json", "-p", JSON.stringify(elsewhere))
  await audited(/Ingress odoo is not as it should be/)
  await until("its visitors are led to it again", async () => (await product.visit("acme")).status === 200)

  // What is changed while somebody is at work on the tenant is put right along with the rest.
  await waitForPhase(product.master, tenant.id, "running")
  await kubectl("set", "image", "deployment/odoo", "odoo=localhost/another:1")
  await audited(/Deployment odoo is not as it should be: .*image is localhost\/another:1/)
  await servesAgain()
})

test("what others have added to it is left alone, and its page says what it is and how to be rid of it", async () => {
  const label = { metadata: { labels: { "their/label": "x" }, annotations: { "their/note": "x" } } }
  for (const what of ["deployment", "ingress"]) {
    await kubectl("patch", what, "odoo", "--type=merge", "-p", JSON.stringify(label))
  }
  await product.cluster.kubectl.apply({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "theirs", namespace: place },
  })
  await kubectl("patch", "deployment", "odoo", "--type=strategic", "-p", JSON.stringify(await withContainer("mesh")))
  const open = { podSelector: {}, policyTypes: ["Ingress"], ingress: [{}] }
  await product.cluster.kubectl.apply({
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: "theirs", namespace: place },
    spec: open,
  })
  const told = await additions(/container mesh .*Deployment[\s\S]*network policy theirs/)
  assert.equal(told.split("\n").length, 2)
  await product.master.call("saas.tenant", "action_retry", [[tenant.id]])
  await servesAgain()
  assert.equal((await get("deployment", "odoo"))?.metadata.labels["their/label"], "x")
  assert.ok(await get("configmap", "theirs"))
  assert.ok(await get("networkpolicy", "theirs"))
  const containers = (await get("deployment", "odoo"))?.spec.template.spec.containers as { name: string }[]
  assert.deepEqual(containers.map(({ name }) => name).sort(), ["mesh", "odoo"])

  await kubectl("delete", "networkpolicy", "theirs")
  const without = { spec: { template: { spec: { containers: [{ name: "mesh", $patch: "delete" }] } } } }
  await kubectl("patch", "deployment", "odoo", "--type=strategic", "-p", JSON.stringify(without))
  await additions(/^$/)
  await servesAgain()
})

/** Of the image that is there anyway, held to what tenants' namespaces demand. */
async function withContainer(name: string): Promise<object> {
  const [odoo] = (await get("deployment", "odoo"))?.spec.template.spec.containers ?? []
  const { image, securityContext } = odoo
  const resources = { requests: { cpu: "10m", memory: "16Mi" }, limits: { cpu: "10m", memory: "32Mi" } }
  const command = ["sleep", "infinity"]
  return { spec: { template: { spec: { containers: [{ name, image, command, securityContext, resources }] } } } }
}

test("a namespace that somebody removed is made anew around the volume that it had, with all that was in it", async () => {
  const volume = (await get("persistentvolumeclaim", "data"))?.spec.volumeName
  await kubectl("exec", "deployment/odoo", "--", "touch", "/var/lib/odoo/data/kept")
  const before = (await product.cluster.kubectl.get("namespace", place))?.metadata.uid
  await product.cluster.kubectl.run(["delete", "namespace", place, "--wait=false"])
  const anew = async () => {
    const uid = (await product.cluster.kubectl.get("namespace", place))?.metadata.uid
    return uid !== undefined && uid !== before
  }
  await until("it is made anew", anew, { seconds: 120 })
  await servesAgain()
  assert.equal((await get("persistentvolumeclaim", "data"))?.spec.volumeName, volume)
  assert.match(await kubectl("exec", "deployment/odoo", "--", "ls", "/var/lib/odoo/data"), /^kept$/m)
})

test("a pod that no node has room for says so", async () => {
  const nodes = (await product.cluster.kubectl.list("nodes")).map(({ metadata }) => metadata.name)
  await product.cluster.kubectl.run(["cordon", ...nodes])
  await kubectl("delete", "pod", "--selector=odoo-saas/part=odoo", "--wait=false")
  await told(/No node has room for the pod: .*unschedulable.* Add a node, or free one/)
  await product.cluster.kubectl.run(["uncordon", ...nodes])
  await servesAgain()
})

test("a pod that a quota refuses says so", async () => {
  await kubectl("create", "quota", "tight", "--hard=pods=0")
  await kubectl("delete", "pod", "--selector=odoo-saas/part=odoo", "--wait=false")
  await told(/quota.*tight/)
  await kubectl("delete", "quota", "tight")
  await servesAgain()
})

test("a plan whose memory is too small for an Odoo says so", async () => {
  const set = (mb: number) => product.master.write("product.template", product.plan.id, { saas_memory_mb: mb })
  await set(48)
  await told(/more memory than its plan has\. Give the tenant a larger plan/)
  await set(1024)
  await servesAgain()
})

test("an image that cannot be pulled says so, with its name", async () => {
  await product.atWork.stop()
  const wrong = await product.another("wrong-image", { TENANT_IMAGE: "localhost/not-there:1" })
  await wrong.start()
  await product.master.call("saas.tenant", "action_retry", [[tenant.id]])
  await told(/The image localhost\/not-there:1 cannot be pulled\. Check TENANT_IMAGE/)
  await wrong.stop()
  await product.atWork.start()
  await servesAgain()
})

test("a storage class that is not there is told on the target's page, and a volume that does not come on the tenant's", async () => {
  await product.atWork.stop()
  const nowhere = await product.another("nowhere", { KUBE_STORAGE_CLASS: "nowhere" })
  await nowhere.start()
  const note = async () => {
    const [target] = await product.master.search<{ note: string | false }>("saas.target", [], ["note"])
    return /There is no storage class nowhere: choose one of kubectl get storageclass/.test(target?.note || "")
  }
  await until("the target says so", note)
  await nowhere.stop()

  await product.cluster.kubectl.apply(emptyClass)
  const empty = await product.another("empty", { KUBE_STORAGE_CLASS: emptyClass.metadata.name })
  await empty.start()
  const other = await confirmQuotation(product.master, { slug: "no-volume", plan: product.plan.name })
  await told(/The tenant's volume is not there yet: .*storage class and its provisioner/, other)
  await empty.stop()
  await product.cluster.kubectl.run(["delete", "storageclass", emptyClass.metadata.name])
  await product.atWork.start()
  await deleteForGood(product.master, other)
  await waitForPhase(product.master, other.id, "deleted", 180)
})

const emptyClass: KubeObject = {
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  metadata: { name: `empty-${process.pid}` },
  provisioner: "kubernetes.io/no-provisioner",
  volumeBindingMode: "WaitForFirstConsumer",
}

test("one that the master knows nothing of goes on as it is, is told of, and can be adopted", async () => {
  await product.atWork.stop()
  await forgetTenant(product.installation, tenant)
  await product.atWork.start()
  const stray = await waitForStray(product.master, tenant.ref)
  assert.deepEqual({ hosts: stray.hosts, database: stray.database }, { hosts: "acme.localhost", database: "shared" })
  assert.equal((await product.visit("acme")).status, 200)
  tenant = await adopt(product.master, stray, product.plan.name)
  await servesAgain()
  assert.deepEqual(await straysOn(product.master), [])
  assert.match(await kubectl("exec", "deployment/odoo", "--", "ls", "/var/lib/odoo/data"), /^kept$/m)
})

test("a namespace that does not go says what holds it", async () => {
  const metadata = { name: "holds", namespace: place, finalizers: ["example.com/keep"] }
  await product.cluster.kubectl.apply({ apiVersion: "v1", kind: "ConfigMap", metadata })
  await deleteForGood(product.master, tenant)
  await told(/Namespace .* does not go: .*example\.com\/keep/)
  await kubectl("patch", "configmap", "holds", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
  await waitForPhase(product.master, tenant.id, "deleted", 180)
  assert.equal(await product.cluster.kubectl.get("namespace", place), null)
})

/** What its page says that others have added. */
async function additions(wanted: RegExp): Promise<string> {
  const look = async () => {
    const { additions } = await product.master.read<{ additions: string | false }>("saas.tenant", tenant.id, [
      "additions",
    ])
    return additions || ""
  }
  await until(`its page tells of ${wanted}`, async () => wanted.test(await look()), { seconds: 120, seen: look })
  return await look()
}

/** Its page says so, whatever becomes of it. */
async function told(reason: RegExp, whom = tenant): Promise<void> {
  const seen = async () => (await readTenant(product.master, whom.id)).message || "no message"
  await until(`the page says ${reason}`, async () => reason.test(await seen()), { seconds: 150, seen })
}

async function servesAgain(): Promise<void> {
  await product.master.call("saas.tenant", "action_retry", [[tenant.id]])
  const { message } = await waitForPhase(product.master, tenant.id, "running", 180)
  assert.equal(message, false)
  await until("its visitors are served", async () => (await product.visit("acme")).status === 200, { seconds: 30 })
}

async function audited(reason: RegExp): Promise<void> {
  const entries = async () =>
    await product.master.search<{ reason: string }>(
      "saas.audit.entry",
      [["tenant_ref", "=", tenant.ref]],
      ["reason", "actor"],
    )
  const isThere = async () => (await entries()).some((entry) => reason.test(entry.reason || ""))
  await until(`the audit log says ${reason}`, isThere, { seen: async () => JSON.stringify(await entries()) })
}

test.run()
