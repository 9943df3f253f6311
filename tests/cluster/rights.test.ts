/** What the sidecar's account may do, tried on a real API server: enough for its tenants, and no more. */
import { strict as assert } from "node:assert"
import { KubeConfig } from "@kubernetes/client-node"
import { suite } from "uvu"
import { Client } from "../../sidecar/drivers/kubernetes/client.ts"
import { namespace } from "../../sidecar/drivers/kubernetes/objects/namespace.ts"
import type { Owner } from "../../sidecar/drivers/kubernetes/objects/object.ts"
import { secret } from "../../sidecar/drivers/kubernetes/objects/secret.ts"
import { preflight } from "../../sidecar/drivers/kubernetes/preflight.ts"
import { clusterSettings } from "../contract/kubernetes/settings.ts"
import { until } from "../helpers/wait.ts"
import { makeCluster } from "./cluster.ts"
import { Kubectl, type KubeObject } from "./kubectl.ts"
import { makeSidecarAccount } from "./sidecar-account.ts"

const test = suite("the sidecar's rights")

const cluster = await makeCluster("rights")
const account = await makeSidecarAccount(cluster)
const asSidecar = new Kubectl(cluster.kubectl.program, account.kubeconfig)
const installation = "c0ffee00-0000-4000-8000-000000000000"
const tenantRole = "odoo-saas-tenant"
const config = new KubeConfig()
config.loadFromFile(account.kubeconfig)
const client = new Client(config, { role: tenantRole, installation: () => installation })

const owner: Owner = { installation, tenant: "trights2345", epoch: 1 }
const place = `saas-rights-${process.pid}`
const strangers = `saas-strangers-${process.pid}`
const conf = secret(owner, place, "db_password = x")

test.before(async () => {
  await cluster.kubectl.apply(namespace({ ...owner, installation: "another" }, strangers))
  await until("the guard is at its post", async () => (await refusal(namespaceOf("anything"))).includes("saas-"))
})

test.after(async () => {
  for (const name of [place, strangers]) {
    await cluster.kubectl.try(["delete", "namespace", name, "--ignore-not-found", "--wait=false"])
  }
  await account.remove()
  await cluster.stop()
})

test("nothing in the whole cluster lets it at secrets, or at what pods hold", async () => {
  for (const [verb, what, ...more] of [
    ["get", "secrets"],
    ["list", "secrets"],
    ["watch", "secrets"],
    ["create", "secrets"],
    ["patch", "secrets"],
    ["create", "pods"],
    ["create", "pods", "--subresource=exec"],
    ["get", "pods", "--subresource=log"],
    ["create", "deployments.apps"],
    ["create", "clusterrolebindings"],
    ["patch", "clusterroles"],
    ["create", "serviceaccounts", "--subresource=token"],
    ["impersonate", "users"],
    ["escalate", `clusterroles/${tenantRole}`],
    ["bind", "clusterroles/cluster-admin"],
    ["patch", "validatingadmissionpolicies"],
  ] as const) {
    assert.equal(await may(verb, what, "-A", ...more), false, `${verb} ${what} ${more}`)
  }
  for (const name of ["kube-system", "default", "odoo-saas", strangers]) {
    assert.equal(await may("get", "secrets", `--namespace=${name}`), false, name)
  }
})

test("it makes a namespace, and takes the rights inside with its first look", async () => {
  await client.apply(namespace(owner, place))
  assert.equal(await may("get", "secrets", `--namespace=${place}`), false)
  const written = await client.apply(conf)
  assert.equal(written.metadata.name, conf.metadata.name)
  assert.equal(await may("get", "secrets", `--namespace=${place}`), true)
  assert.equal(await may("list", "secrets", `--namespace=${place}`), false)
})

test("where somebody has taken its rights away, it takes them again", async () => {
  await cluster.kubectl.run(["delete", "rolebinding", "sidecar", `--namespace=${place}`])
  await until("they are gone", async () => !(await may("get", "secrets", `--namespace=${place}`)))
  assert.ok(await client.get({ kind: "Secret", name: conf.metadata.name, namespace: place }))
})

test("in a namespace that is not there, there is nothing", async () => {
  assert.equal(await client.get({ kind: "Secret", name: "odoo-conf", namespace: "saas-nobody" }), null)
})

test("in a namespace of another installation it takes none", async () => {
  const where = { kind: "Secret", name: "odoo-conf", namespace: strangers } as const
  await assert.rejects(client.get(where), { code: 403 })
  assert.equal(await may("get", "secrets", `--namespace=${strangers}`), false)
})

test("it is held to namespaces of its own, although RBAC alone would let it further", async () => {
  for (const name of ["kube-system", "default", "odoo-saas"]) {
    assert.match(await refusal(binding(name)), /works in namespaces that begin with saas-/)
  }
  assert.match(await refusal(namespaceOf("not-ours")), /works in namespaces that begin with saas-/)
  const { code, output } = await asSidecar.try(["delete", "namespace", "odoo-saas", "--dry-run=server"])
  assert.notEqual(code, 0)
  assert.match(output, /works in namespaces that begin with saas-/)
})

test("it gives its own rights to nobody else, and no others to itself", async () => {
  const toAnother = { ...binding(place), subjects: [{ kind: "ServiceAccount", name: "default", namespace: place }] }
  assert.match(await refusal(toAnother), /to itself, and nothing else to nobody else/)
  const admin = { ...binding(place, "admin"), roleRef: { ...binding(place).roleRef, name: "cluster-admin" } }
  assert.match(await refusal(admin), /forbidden/)
})

test("it changes no volume but those of its own namespaces, and takes none from elsewhere", async () => {
  const spec = { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/nowhere" } }
  const volume = (name: string, claimed: string) => ({
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name },
    spec: { ...spec, storageClassName: "none", claimRef: { name: "data", namespace: claimed } },
  })
  const [ours, theirs] = [`rights-ours-${process.pid}`, `rights-theirs-${process.pid}`] as const
  await cluster.kubectl.apply(volume(ours, place), volume(theirs, "kube-system"))
  const patch = (name: string, change: object) =>
    asSidecar.try(["patch", "persistentvolume", name, "--type=merge", "-p", JSON.stringify({ spec: change })])
  try {
    assert.equal((await patch(ours, { persistentVolumeReclaimPolicy: "Retain" })).code, 0)
    const kept = await patch(theirs, { persistentVolumeReclaimPolicy: "Delete" })
    assert.match(kept.output, /works in namespaces that begin with saas-/)
    assert.match((await patch(theirs, { claimRef: { namespace: place } })).output, /works in namespaces/)
    assert.match((await patch(ours, { claimRef: { namespace: "default" } })).output, /stays with the namespace/)
  } finally {
    await cluster.kubectl.run(["delete", "persistentvolume", ours, theirs, "--wait=false"])
  }
})

test("it cannot take restricted pod security from a tenant", async () => {
  const label = "pod-security.kubernetes.io/enforce=privileged"
  const { code, output } = await asSidecar.try(["label", "namespace", place, label, "--overwrite"])
  assert.notEqual(code, 0)
  assert.match(output, /keeps restricted pod security/)
})

test("the preflight finds everything it needs, and says what is missing", async () => {
  const settings = { ...clusterSettings(cluster), tenantRole }
  assert.deepEqual(await preflight(client, settings), [])
  const rules = (await cluster.kubectl.get("clusterrole", tenantRole))?.rules as KubeObject[]
  const without = JSON.stringify({ rules: rules.filter(({ resources }) => !resources.includes("jobs")) })
  await cluster.kubectl.run(["patch", "clusterrole", tenantRole, "--type=merge", "-p", without])
  // The API server's authorizer hears of it some moments later.
  const notes = await until("something is missing", async () => (await preflight(client, settings)).join("\n"))
  assert.match(notes, /does not let the sidecar .*delete jobs: kubectl apply -k/)
})

async function may(verb: string, what: string, ...where: readonly string[]): Promise<boolean> {
  const { output } = await asSidecar.try(["auth", "can-i", verb, what, ...where])
  const answer = /^(yes|no)\b/m.exec(output)?.[1]
  if (answer === undefined) throw new Error(`kubectl auth can-i ${verb} ${what} ${where}: ${output}`)
  return answer === "yes"
}

/** What the API server says to this write of the sidecar's; it would change nothing. */
async function refusal(object: KubeObject): Promise<string> {
  const { code, output } = await asSidecar.try(["create", "--dry-run=server", "-f", "-"], JSON.stringify(object))
  return code === 0 ? "" : output
}

function namespaceOf(name: string): KubeObject {
  const labels = { "pod-security.kubernetes.io/enforce": "restricted" }
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } }
}

function binding(place: string, name = "mine"): KubeObject {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name, namespace: place },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: tenantRole },
    subjects: [{ kind: "ServiceAccount", name: "sidecar", namespace: "odoo-saas" }],
  }
}

test.run()
