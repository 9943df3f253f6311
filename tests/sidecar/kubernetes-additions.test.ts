/** What others have added to a tenant, as sentences for whoever looks after it. */
import { strict as assert } from "node:assert"
import { suite } from "uvu"
import { additionsTo, type Surroundings } from "../../sidecar/drivers/kubernetes/additions.ts"

const test = suite("what others have added")

const named = (name: string) => ({ metadata: { name } })

function around(changes: object = {}): Surroundings {
  const ours = { containers: [{ name: "odoo", image: "odoo:1" }] }
  const deployment = { spec: { template: { spec: ours } } }
  return { namespace: "saas-a", deployment, pod: { spec: ours }, policies: [], ingresses: [], ...changes } as never
}

test("nothing is nothing, whether or not there is a pod", () => {
  assert.deepEqual(additionsTo(around()), [])
  assert.deepEqual(additionsTo(around({ pod: null, deployment: null })), [])
})

test("a container is told once, with where it comes from", () => {
  const mesh = { name: "mesh", image: "mesh:1" }
  const both = { initContainers: [mesh], containers: [{ name: "odoo" }] }
  const deployment = { spec: { template: { spec: both } } }
  const [edited, ...more] = additionsTo(around({ deployment, pod: { spec: both } }))
  assert.match(edited ?? "", /container mesh \(mesh:1\) to its Deployment.*kubectl edit deployment\/odoo -n saas-a/)
  assert.deepEqual(more, [])
  const [injected] = additionsTo(around({ pod: { spec: both } }))
  assert.match(injected ?? "", /mesh:1\) was put into its pod.*exempt the namespace saas-a/)
  const debugged = { containers: [{ name: "odoo" }], ephemeralContainers: [{ name: "debugger", image: "sh" }] }
  assert.match(additionsTo(around({ pod: { spec: debugged } }))[0] ?? "", /container debugger/)
})

test("what answers websockets is ours", () => {
  const both = { containers: [{ name: "odoo" }, { name: "websocket" }] }
  const deployment = { spec: { template: { spec: both } } }
  assert.deepEqual(additionsTo(around({ deployment, pod: { spec: both } })), [])
})

test("a policy and an Ingress say what they can do and how they go", () => {
  const told = additionsTo(around({ policies: [named("b"), named("a")], ingresses: [named("shop")] }))
  assert.equal(told.length, 3)
  assert.match(told[0] ?? "", /network policy a.*kubectl delete networkpolicy\/a -n saas-a/)
  assert.match(told[2] ?? "", /Ingress shop.*kubectl delete ingress\/shop -n saas-a/)
})

test("what cert-manager adds for a certificate that we asked for is no news", () => {
  const labels = { "acme.cert-manager.io/http01-solver": "true" }
  const ingresses = [{ metadata: { name: "cm-acme-http-solver-x", labels } }]
  assert.deepEqual(additionsTo(around({ ingresses })), [])
})

test.run()
