/** What somebody changed by hand is seen and told; what the API server writes otherwise, or others add, is not. */
import { strict as assert } from "node:assert"
import { suite } from "uvu"
import { driftOf } from "../../sidecar/drivers/kubernetes/drift.ts"
import { type Deployment, deployment } from "../../sidecar/drivers/kubernetes/objects/deployment.ts"
import { networkPolicies } from "../../sidecar/drivers/kubernetes/objects/network-policies.ts"
import { resourceQuota } from "../../sidecar/drivers/kubernetes/objects/quota.ts"

const test = suite("an object that is not as it was made")

const owner = { installation: "c0ffee00-0000-4000-8000-000000000000", tenant: "tacme234567", epoch: 7 }
const limits = { cpuMilli: 1000, memoryMb: 1024, storageMb: 1024, users: 5, connections: 10, workers: 0 }
const odoo = deployment(owner, "saas-x", { image: "odoo:1", limits, fingerprint: "f00d", running: true })
const quota = resourceQuota(owner, "saas-x", { limits, database: "shared", certificates: false })

// biome-ignore lint/suspicious/noExplicitAny: a copy that a person's hand gets into
function changed<T>(object: T, change: (copy: any) => void): T {
  const copy = JSON.parse(JSON.stringify(object))
  change(copy)
  return copy
}

test("it is as it was made, whatever the API server and others have added", () => {
  const seen = changed(odoo, (copy) => {
    copy.metadata.resourceVersion = "7"
    copy.metadata.labels["their/label"] = "x"
    copy.metadata.annotations["odoo-saas/epoch"] = "9"
    copy.spec.template.spec.schedulerName = "default-scheduler"
    copy.spec.template.spec.containers.unshift({ name: "mesh", image: "theirs" })
    copy.status = { replicas: 1 }
  })
  assert.equal(driftOf(odoo, seen), "")
})

test("amounts are the same however they are written", () => {
  const seen = changed(quota, (copy) => {
    copy.spec.hard["requests.storage"] = "1Gi"
    copy.spec.hard["limits.cpu"] = "2.5"
  })
  assert.equal(driftOf(quota, seen), "")
})

test("what is gone or changed is told with where and what", () => {
  assert.equal(driftOf(quota, null), "The ResourceQuota plan is not there.")
  assert.match(
    driftOf(
      odoo,
      changed(odoo, (copy) => Object.assign(copy.spec, { replicas: 3 })),
    ),
    /^The Deployment odoo is not as it should be: spec\.replicas is 3, not 1\.$/,
  )
  const image = changed(odoo, (copy: { spec: Deployment["spec"] }) => {
    for (const container of copy.spec.template.spec?.containers ?? []) container.image = "evil:1"
  })
  assert.match(driftOf(odoo, image), /containers\.odoo\.image is evil:1, not odoo:1/)
  const label = changed(odoo, (copy) => Object.assign(copy.metadata.labels, { "odoo-saas/tenant": "tother" }))
  assert.match(driftOf(odoo, label), /labels\.odoo-saas\/tenant is tother/)
})

test("a policy that lets one more in is no longer the one that was made", () => {
  const parts = {
    callers: ["traefik"],
    callerNetworks: [],
    postgres: [{ networks: ["10.0.0.1/32"], namespaces: [], address: { port: 5432 } }],
    ownPostgres: false,
    certificates: false,
    mailPorts: [],
    https: true,
  }
  for (const policy of networkPolicies(owner, "saas-x", parts)) {
    assert.equal(
      driftOf(
        policy,
        changed(policy, () => undefined),
      ),
      "",
    )
  }
  const callers = networkPolicies(owner, "saas-x", parts).find(({ metadata }) => metadata.name === "callers")
  assert.ok(callers)
  const open = changed(callers, (copy) => copy.spec.ingress[0].from.push({ ipBlock: { cidr: "0.0.0.0/0" } }))
  assert.match(driftOf(callers, open), /spec\.ingress\.0\.from has 2 entries, not 1/)
  const nobody = networkPolicies(owner, "saas-x", { ...parts, callers: [] })
  assert.equal(
    nobody.some(({ metadata }) => metadata.name === "callers"),
    false,
    "a list of nobody would be everybody",
  )
})

test.run()
