/** What the tests of the Kubernetes driver stand on, proven with the smallest things that show it. */
import { strict as assert } from "node:assert"
import { request } from "node:http"
import { suite } from "uvu"
import { until } from "../helpers/wait.ts"
import { makeCluster } from "./cluster.ts"
import { addFakeNodes, fakeToleration } from "./fake-nodes.ts"
import { numericUser, restrictedNamespace, restrictedPod, serviceOf } from "./pods.ts"
import { allowed } from "./policies.ts"
import { nonconformities } from "./schemas.ts"

const test = suite("a Kubernetes for tests")

const cluster = await makeCluster("kubernetes")
const { kubectl } = cluster
const namespace = "saas-probe"
/** On a cluster that runs elsewhere, pods and services need not be within reach of this machine. */
const withinReach = cluster.hostAddress === null ? test.skip : test

test.before(async () => {
  await kubectl.apply(restrictedNamespace(namespace))
  const args = ["-m", "http.server", "8000", "--directory", "/usr/share/common-licenses"]
  const image = cluster.odooImage
  await kubectl.apply(
    restrictedPod({ name: "web", namespace, image, args, port: 8000, path: "/" }),
    serviceOf("web", namespace, "web", 8000),
  )
})

test.after(async () => {
  await kubectl.try(["delete", "namespace", namespace, "--ignore-not-found", "--wait=false"])
  await cluster.stop()
})

test("every node is ready", async () => {
  const nodes = await kubectl.list("nodes")
  const isReady = (conditions: { type: string; status: string }[]) =>
    conditions.some(({ type, status }) => type === "Ready" && status === "True")
  assert.notEqual(nodes.length, 0)
  assert.ok(nodes.every(({ status }) => isReady(status.conditions)))
})

test("a pod of a numeric user with a read-only root gets ready, and does what it is told", async () => {
  await kubectl.podReady("web", namespace)
  const where = `--namespace=${namespace}`
  const told = await kubectl.run(["exec", "web", where, "--", "sh", "-c", "id -u; touch /here 2>&1 || true"])
  assert.match(told, new RegExp(`^${numericUser}$`, "m"))
  assert.match(told, /Read-only file system/)
  assert.match(await kubectl.run(["logs", "web", where]), /"GET \/ HTTP\/1.1" 200/)
})

test("a pod that wants more than the restricted ones may is refused", async () => {
  const spec = { containers: [{ name: "main", image: cluster.odooImage, securityContext: { privileged: true } }] }
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "greedy", namespace }, spec }
  const { code, output } = await kubectl.try(["apply", "-f", "-"], JSON.stringify(pod))
  assert.notEqual(code, 0)
  assert.match(output, /violates PodSecurity "restricted/)
})

test("a service has a name inside", async () => {
  await kubectl.podReady("web", namespace)
  const url = `http://web.${namespace}.svc.cluster.local/GPL-3`
  const script = `import urllib.request as r; print(r.urlopen(${JSON.stringify(url)}, timeout=5).status)`
  // A pod is ready some moments before kube-proxy leads to it.
  const told = await until("the service leads to its pod", () =>
    kubectl.run(["exec", "web", `--namespace=${namespace}`, "--", "python3", "-c", script]),
  )
  assert.equal(told.trim(), "200")
})

withinReach("pod and service answer at their own addresses, as a sidecar on this machine asks them", async () => {
  const pod = await kubectl.podReady("web", namespace)
  const service = await kubectl.get("service", "web", namespace)
  for (const url of [`http://${pod.status.podIP}:8000/GPL-3`, `http://${service?.spec.clusterIP}/GPL-3`]) {
    const status = await until(`${url} answers`, async () => {
      const response = await fetch(url, { signal: AbortSignal.timeout(5000) })
      await response.text()
      return response.status
    })
    assert.equal(status, 200, url)
  }
})

const ingressTest = cluster.ingressAddress === null ? test.skip : test

ingressTest("an Ingress answers for its host, and for no other", async () => {
  const host = "probe.example.test"
  const backend = { service: { name: "web", port: { number: 80 } } }
  const paths = [{ path: "/", pathType: "Prefix", backend }]
  await kubectl.apply({
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name: "web", namespace },
    spec: { ingressClassName: cluster.ingressClass, rules: [{ host, http: { paths } }] },
  })
  await until("the ingress controller knows the host", async () => (await statusAtIngress(host)) === 200)
  assert.equal(await statusAtIngress("nobody.example.test"), 404)
})

test("what a claim holds is for the pod's own user, and outlives the claim", async () => {
  const name = "keep"
  const mounts = { volumeMounts: [{ name: "data", mountPath: "/data" }] }
  const args = ["-c", "open('/data/kept','w').write('x'); import http.server as h; h.test(h.SimpleHTTPRequestHandler)"]
  await kubectl.apply(
    {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name, namespace },
      spec: {
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: "1Gi" } },
        ...(cluster.storageClass === null ? {} : { storageClassName: cluster.storageClass }),
      },
    },
    restrictedPod({
      name,
      namespace,
      image: cluster.odooImage,
      args,
      port: 8000,
      path: "/",
      container: mounts,
      volumes: [{ name: "data", persistentVolumeClaim: { claimName: name } }],
    }),
  )
  await kubectl.podReady(name, namespace)
  const claim = await kubectl.get("persistentvolumeclaim", name, namespace)
  await kubectl.run(["delete", "pod,persistentvolumeclaim", name, `--namespace=${namespace}`])
  const volume = await until("the volume is let go", async () => {
    const found = await kubectl.get("persistentvolume", claim?.spec.volumeName)
    return found?.status.phase === "Released" ? found : null
  })
  assert.equal(volume.spec.persistentVolumeReclaimPolicy, "Retain")
})

test("cyclonus tells what policies allow", async () => {
  const web = await kubectl.podReady("web", namespace)
  const other = { metadata: { namespace: "default", labels: { app: "other" } }, status: { podIP: "10.0.0.9" } }
  await kubectl.apply({
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: "own-namespace-only", namespace },
    spec: {
      podSelector: {},
      policyTypes: ["Ingress", "Egress"],
      ingress: [{ from: [{ podSelector: {} }] }],
      egress: [{ ports: [{ port: 53, protocol: "UDP" }] }],
    },
  })
  const answers = await allowed(
    cluster,
    [namespace],
    [
      { from: other, to: web, port: 8000 },
      { from: web, to: other, port: 8000 },
      { from: web, to: "169.254.169.254", port: 80 },
      { from: web, to: "10.0.0.10", port: 53, protocol: "UDP" },
      { from: other, to: "10.0.0.10", port: 80 },
    ],
  )
  assert.deepEqual(answers, [false, false, false, true, true])
})

test("a fake node runs pods that only look real, and no others", async () => {
  const nodes = await addFakeNodes(cluster, 2)
  try {
    const containers = [{ name: "main", image: "nothing" }]
    const spec = { nodeName: nodes.names[0], tolerations: [fakeToleration], containers }
    await kubectl.apply({ apiVersion: "v1", kind: "Pod", metadata: { name: "fake", namespace: "default" }, spec })
    await kubectl.podReady("fake")
    const taints = (await kubectl.get("node", nodes.names[1] ?? ""))?.spec.taints
    assert.equal(taints[0].effect, "NoSchedule")
  } finally {
    await kubectl.run(["delete", "pod", "fake", "--ignore-not-found"])
    await nodes.remove()
  }
})

test("kubeconform knows the kinds of this cluster, and every field of theirs", async () => {
  const good = [
    restrictedPod({ name: "x", namespace, image: "x", args: [], port: 80, path: "/" }),
    restrictedNamespace("x"),
  ]
  assert.deepEqual(await nonconformities(cluster, JSON.stringify({ apiVersion: "v1", kind: "List", items: good })), [])
  const bad = { ...serviceOf("web", namespace, "web", 8000), spec: { selectr: { app: "web" } } }
  const found = await nonconformities(cluster, JSON.stringify(bad))
  assert.equal(found.length, 1)
  assert.match(found[0] ?? "", /^Service web: .*selectr/s)
})

const restartTest = cluster.apiServer === null ? test.skip : test

restartTest("pods outlive a crash of the API server, and it knows them when it is back", async () => {
  const before = await kubectl.podReady("web", namespace)
  await cluster.apiServer?.kill()
  assert.notEqual((await kubectl.try(["get", "--raw=/readyz", "--request-timeout=2s"])).code, 0)
  await cluster.apiServer?.start()
  const after = await kubectl.podReady("web", namespace)
  assert.equal(after.metadata.uid, before.metadata.uid)
  assert.equal(after.status.containerStatuses[0].restartCount, 0)
})

function statusAtIngress(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: cluster.ingressAddress, port: 80, path: "/GPL-3", headers: { host }, timeout: 5000 })
    asked.on("response", (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    asked.on("error", reject).end()
  })
}

test.run()
