/** When a tenant's pod counts as ready: its kubelet asks it once a second, and whoever makes it need not wait for that. */
import { strict as assert } from "node:assert"
import { createServer, type Server } from "node:http"
import { suite } from "uvu"
import { KubernetesRuntime } from "../../sidecar/drivers/kubernetes/runtime.ts"

const test = suite("a pod that answers")

const tenant = "tanswers222"
/** Of this machine alone, with the port that every pod has. */
const host = "127.77.31.9"
let server: Server
let status = 200
let leads = true

test.before(async () => {
  server = createServer((request, answer) => {
    answer.writeHead(request.url === "/web/health?db_server_status=1" ? status : 404).end(request.url)
  })
  await new Promise<void>((resolve) => server.listen(8069, host, resolve))
})

test.before.each(() => {
  status = 200
  leads = true
})

test.after(() => {
  server.close()
})

test("one whose kubelet has not asked it yet is ready once it answers, and can be asked", async () => {
  const runtime = runtimeWith(podAt({}))
  assert.equal((await runtime.observe(tenant)).state, "ready")
  assert.equal((await runtime.request(tenant, "/saas/control", "", 1)).body, "/saas/control")
})

test("one that has no database yet is not", async () => {
  status = 500
  const runtime = runtimeWith(podAt({}))
  assert.equal((await runtime.observe(tenant)).state, "starting")
  await assert.rejects(runtime.request(tenant, "/saas/control", "", 1), { name: "RetryableError" })
})

test("one that visitors are to be led to is not, until they are", async () => {
  leads = false
  assert.equal((await runtimeWith(podAt({})).observe(tenant)).state, "starting")
})

test("one beside whose Odoo something else does not run is not: visitors are not led to it, and somebody is to hear why", async () => {
  const other = {
    name: "sidecar",
    image: "x",
    state: { waiting: { reason: "ErrImagePull", message: "no such image" } },
  }
  const pod = podAt({})
  const both = { ...pod, status: { ...pod.status, containerStatuses: [...pod.status.containerStatuses, other] } }
  const seen = await runtimeWith(both).observe(tenant)
  assert.equal(seen.state, "starting")
  assert.match(seen.problem ?? "", /sidecar.*no such image/)
})

test("one that ends, one that does not run and one that nobody can reach are not", async () => {
  const pods = [
    podAt({ deletionTimestamp: "2026-01-01T00:00:00Z" }),
    podAt({ state: { waiting: { reason: "ContainerCreating" } } }),
    podAt({ podIP: "" }),
    podAt({ podIP: "127.77.31.10" }),
  ]
  for (const pod of pods) assert.equal((await runtimeWith(pod).observe(tenant)).state, "starting")
})

interface Parts {
  readonly deletionTimestamp?: string
  readonly state?: object
  readonly podIP?: string
}

function podAt({ deletionTimestamp, state = { running: { startedAt: "2026-01-01T00:00:00Z" } }, podIP = host }: Parts) {
  const containerStatuses = [{ name: "odoo", ready: false, started: false, restartCount: 0, state, lastState: {} }]
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "odoo-1", uid: "1", labels: { "odoo-saas/part": "odoo" }, deletionTimestamp },
    spec: { containers: [] },
    status: { podIP, conditions: [{ type: "Ready", status: "False" }], containerStatuses },
  }
}

/** A driver whose caches have a Deployment and that pod. */
function runtimeWith(pod: object): KubernetesRuntime {
  const caches = { deployments: { get: () => ({ metadata: {}, spec: { replicas: 1 } }) }, pods: { list: () => [pod] } }
  const options = { watched: { caches: async () => caches }, settings: { prefix: "saas-" }, leads: async () => leads }
  return new KubernetesRuntime(options as never)
}

test.run()
