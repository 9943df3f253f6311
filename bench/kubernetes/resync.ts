/**
 * Two thousand tenants whose pods only look real (kwok), every object of them made by the driver. A new process with
 * the driver opens the target and looks at all of them, as a sidecar's patrol does; then some of their specs change.
 * Databases, Odoo's answers and the ingress controller are not part of it: the first two are on paper (paper.ts), and
 * the Ingresses are of a class that nobody serves.
 */
import { loadavg } from "node:os"
import { pickFree } from "../../scripts/lib/ports.ts"
import { addFakeNodes } from "../../tests/cluster/fake-nodes.ts"
import type { KubeObject } from "../../tests/cluster/kubectl.ts"
import { sidecarSettings } from "../../tests/contract/kubernetes/settings.ts"
import { makeInstallation } from "../../tests/helpers/installation.ts"
import type { Session } from "../lib/benchmark.ts"
import type { Measurement } from "../lib/measurement.ts"
import { AuditLog, callsIn, countPerTenant, inWords } from "./audit.ts"
import { bundleDriver, DriverChild } from "./driver-child.ts"
import type { Order, Told } from "./driver-process.ts"
import type { MeasuredCluster, World } from "./world.ts"

const tenants = Number(process.env.BENCH_TENANTS || 2000)
const changed = Math.min(50, tenants / 2)
const burst = 100
/** A node that only looks real has processors for 320 of them. */
const tenantsPerNode = 300
const prefix = "saas-fleet-"
const fakeClass = "fake"
/** Four sidecars' worth of operations. */
const atOnce = 32

export async function resync({ cluster, account, closeShop }: World, session: Session): Promise<Measurement[]> {
  const { cleanUp, note } = session
  await closeShop()
  note("nodes and volumes")
  await makeRoom(cluster, cleanUp)
  const making = makeInstallation("bench-resync", { parts: "database", databaseTcp: true, durable: true })
  cleanUp.defer(async () => {
    const made = await making.catch(() => null)
    await made?.destroy()
  })
  const it = await making
  const bundle = await bundleDriver()
  cleanUp.defer(bundle.remove)
  const address = { host: cluster.hostAddress, port: it.ports.postgres, close: async () => undefined }
  const env = it.sidecarEnv({
    ...sidecarSettings(cluster, address, prefix, await pickFree(31_000, 32_000)),
    ...account.settings,
    KUBECONFIG: account.kubeconfig,
    KUBE_STORAGE_CLASS: fakeClass,
    KUBE_INGRESS_CLASS: fakeClass,
    KUBE_INGRESS_ADDRESS: "",
  })
  const audit = new AuditLog(cluster.auditLog)
  const start = async () => {
    const child = await DriverChild.start(bundle.program, env)
    return { child, end: cleanUp.defer(() => child.end()) }
  }

  const first = await start()
  for (let from = 0; from < tenants; from += 100) {
    session.signal.throwIfAborted()
    note(`${from} of ${tenants} are made; load ${loadavg()[0]?.toFixed(1)}`)
    const to = Math.min(from + 100, tenants)
    mustAll(to - from, await first.child.ask({ ...order("reconcile", from, to), atOnce }))
  }
  await first.end()

  note(`a new driver looks at ${tenants}`)
  const begun = performance.now()
  const second = await start()
  mustAll(tenants, await second.child.ask({ ...order("observe", 0, tenants), atOnce }))
  const seconds = (performance.now() - begun) / 1000
  const { megabytes } = second.child
  console.error(`      ${tenants} looked at in ${seconds.toFixed(1)} s, with ${megabytes} MB`)

  const counted = async (wanted: Order) => {
    const position = audit.end
    mustAll(wanted.to - wanted.from, await second.child.ask(wanted))
    const calls = callsIn(audit.since(position))
    console.error(`      ${wanted.act} ${wanted.change}: ${inWords(calls)}`)
    return countPerTenant(calls) / (wanted.to - wanted.from)
  }
  const unchanged = await counted({ ...order("observe", 0, tenants), atOnce })
  const change = async (first: number, change: Order["change"]) =>
    counted({ ...order("reconcile", first, first + changed), change, epoch: 100, atOnce })
  const hosts = await change(0, "another host")
  const plans = await change(changed, "a larger plan")

  note(`${burst} creations at once`)
  const before = performance.now()
  const made = await second.child.ask({ ...order("reconcile", tenants, tenants + burst), atOnce: burst })
  const burstSeconds = (performance.now() - before) / 1000
  mustAll(burst, made)
  const lost = tenants + burst - (await readyPods(cluster))
  const { megabytes: afterwards } = second.child
  await second.end()
  return [
    { name: "resync", unit: "s", values: [seconds], atMost: { max: 60 } },
    { name: "resync-memory", unit: "MB", values: [megabytes], atMost: { max: 300 } },
    { name: "memory-after-changes", unit: "MB", values: [afterwards], atMost: { max: 300 } },
    { name: "calls-per-unchanged", unit: "calls", values: [unchanged], atMost: { max: 0 } },
    { name: "calls-per-changed-host", unit: "calls", values: [hosts], atMost: { max: 2 } },
    { name: "calls-per-changed-plan", unit: "calls", values: [plans], atMost: { max: 2 } },
    { name: "100-creations-at-once", unit: "s", values: [burstSeconds] },
    { name: "lost", unit: "tenants", values: [lost], atMost: { max: 0 } },
  ]
}

function order(act: Order["act"], from: number, to: number): Omit<Order, "atOnce"> {
  return { act, from, to, change: "none", epoch: 1 }
}

function mustAll(count: number, { done, otherwise }: Told): void {
  if (done === count) return
  throw new Error(`Of ${count} tenants only ${done} are as they should be:\n${otherwise.join("\n")}`)
}

/** The real node takes no more, so that all pods are put on those that only look real; the ingress controller rests. */
async function makeRoom(cluster: MeasuredCluster, cleanUp: Session["cleanUp"]): Promise<void> {
  const { kubectl } = cluster
  await kubectl.run(["cordon", "node"])
  await kubectl.run(["scale", "deployment/traefik", "--namespace=traefik", "--replicas=0"])
  const nodes = await addFakeNodes(cluster, Math.ceil((tenants + burst) / tenantsPerNode), { forAll: true })
  cleanUp.defer(() => nodes.remove())
  const storage = {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { name: fakeClass },
    provisioner: "kubernetes.io/no-provisioner",
    volumeBindingMode: "Immediate",
  }
  const volumes = Array.from({ length: tenants + burst }, (_, at) => volumeNamed(`fake-${at}`))
  await kubectl.apply(storage, ...volumes)
}

function volumeNamed(name: string): KubeObject {
  return {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name },
    spec: {
      capacity: { storage: "5Gi" },
      accessModes: ["ReadWriteOnce"],
      persistentVolumeReclaimPolicy: "Retain",
      storageClassName: fakeClass,
      hostPath: { path: "/nowhere" },
    },
  }
}

/** As the cluster itself says, not the driver. */
async function readyPods({ kubectl }: MeasuredCluster): Promise<number> {
  const format =
    '-o=jsonpath={range .items[*]}{.metadata.namespace} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}'
  const lines = (await kubectl.run(["get", "pods", "--all-namespaces", format])).split("\n")
  return lines.filter((line) => line.startsWith(prefix) && line.endsWith(" True")).length
}
