/** Whether tenants are apart is tried from inside two pods, where their policies are enforced and where they are not. */
import { strict as assert } from "node:assert"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { KubeConfig } from "@kubernetes/client-node"
import { pino } from "pino"
import { suite } from "uvu"
import { Client } from "../../sidecar/drivers/kubernetes/client.ts"
import { PodIsolationCheck } from "../../sidecar/drivers/kubernetes/isolation-check.ts"
import { Metrics } from "../../sidecar/http/metrics.ts"
import type { IsolationWay, Outcome } from "../../sidecar/odoo/port.ts"
import { Worker } from "../../sidecar/reconcile/worker.ts"
import { clusterSettings } from "../contract/kubernetes/settings.ts"
import { until } from "../helpers/wait.ts"
import { FakeMaster } from "../sidecar/helpers/fake-master.ts"
import { FakeWorld } from "../sidecar/helpers/fake-world.ts"
import { makeCluster } from "./cluster.ts"
import { forwardTo } from "./forward.ts"
import { addMetadata } from "./metadata.ts"

const test = suite("the isolation check")

const cluster = await makeCluster("isolation")
const prefix = `saas-${process.pid}-`
const config = new KubeConfig()
config.loadFromFile(cluster.kubeconfig)
/** Any server that pods reach: that it is none of PostgreSQL does not matter to who only connects. */
const database = createServer()
const master = new FakeMaster()
const closers: (() => Promise<void>)[] = []
/** At work where policies are enforced. */
let held: PodIsolationCheck
const fence = { tenant: "target_local", epoch: 9, server: "", signal: new AbortController().signal }

test.before(async () => {
  if (cluster.node !== null) await addMetadata(cluster.node)
})

test.after(async () => {
  for (const close of closers) await close()
  await cluster.stop()
})

const reachable = cluster.hostAddress === null || cluster.tenantImage === null ? test.skip : test
/** Where somebody else decides what becomes of policies, the check can be had, and not made to find this or that. */
const enforceable = cluster.node === null ? test.skip : test

reachable("a worker reports what a tenant reaches, and how far the cluster holds pods to policies", async () => {
  const isolation = await makeCheck()
  // As a sidecar leaves it that is killed in the middle.
  await isolation.start({ ...fence, epoch: 0 })
  assert.equal((await probes()).length, 2)
  const { outcome, steps } = await checkedBy(isolation)
  assert.deepEqual(steps, ["start_probes done", "try_ways done", "remove_probes done"])
  assert.equal(outcome?.kind, "checked", JSON.stringify(outcome))
  const ways = outcome?.kind === "checked" ? outcome.ways : []
  const found = matrix(ways)
  assert.equal(found["tenant to itself"], "open")
  assert.equal(found["tenant to database local"], "open")
  assert.equal(found["sidecar to tenant"], "open")
  // A cluster of our own holds pods to no policy yet; one of KUBECONFIG may.
  assert.equal(found["tenant to cluster"], found["tenant to other_tenant"])
  if (cluster.node !== null) assert.equal(found["tenant to other_tenant"], "open")
  if (cluster.node !== null) assert.equal(found["tenant to metadata"], "open")
  const shut = ways.filter(({ wanted }) => wanted === "shut").map(({ to }) => to)
  assert.deepEqual(shut, ["other_tenant", "cluster", "metadata"])
})

reachable("nothing is left of its pods, nor of those of a check that was killed", async () => {
  await until("its namespaces are gone", async () => (await probes()).length === 0)
})

enforceable(
  "where policies are enforced, all is as it should be: what must not be reached is shut, and nothing else",
  async () => {
    await cluster.node?.enforcePolicies()
    held = await makeCheck()
    await held.start(fence)
    assert.deepEqual(matrix(await held.try(fence)), {
      "tenant to itself": "open",
      "tenant to database local": "open",
      "tenant to other_tenant": "shut",
      "tenant to cluster": "shut",
      "tenant to metadata": "shut",
      "sidecar to tenant": "open",
    })
  },
)

enforceable("a policy that is missing is found: what must work does not", async () => {
  for (const namespace of await probes()) await removePolicies(namespace, "callers", "postgres")
  await until("the check finds it", async () => {
    const found = matrix(await held.try(fence))
    return found["sidecar to tenant"] === "shut" && found["tenant to database local"] === "shut"
  })
})

enforceable("without any they reach each other, their cluster and its cloud", async () => {
  for (const namespace of await probes()) await removePolicies(namespace, "--all")
  await until("the check finds it", async () => Object.values(matrix(await held.try(fence))).every(isOpen))
  await held.remove(fence)
  await until("its namespaces are gone", async () => (await probes()).length === 0)
})

reachable("an image that cannot be had fails it, with what to do", async () => {
  const isolation = await makeCheck({ image: "localhost/nowhere:1" })
  const { outcome } = await checkedBy(isolation)
  assert.equal(outcome?.kind, "failed")
  assert.match(JSON.stringify(outcome), /a probe does not start\. The image localhost\/nowhere:1 cannot be pulled/)
  await until("its namespaces are gone", async () => (await probes()).length === 0)
})

test.run()

async function makeCheck(changes: { image?: string } = {}): Promise<PodIsolationCheck> {
  if (!database.listening) {
    await new Promise<void>((resolve) => database.listen(0, "127.0.0.1", resolve))
    closers.push(() => new Promise((resolve) => database.close(() => resolve())))
  }
  const { host, port, close } = await forwardTo((database.address() as AddressInfo).port, cluster.hostAddress ?? "")
  closers.unshift(close)
  const settings = {
    ...clusterSettings(cluster),
    prefix,
    callerNetworks: [`${host}/32`],
    databases: [{ name: "local", address: { host, port }, networks: [`${host}/32`], namespaces: [] }],
    ...changes,
  }
  const installation = () => "c0ffee00-0000-4000-8000-000000000000"
  return new PodIsolationCheck({ client: new Client(config), installation, settings })
}

function isOpen(found: string): boolean {
  return found === "open"
}

function matrix(ways: readonly IsolationWay[]): Record<string, string> {
  return Object.fromEntries(ways.map((way) => [`${way.from} to ${way.to} ${way.name}`.trim(), way.found]))
}

async function removePolicies(namespace: string, ...names: readonly string[]): Promise<void> {
  await cluster.kubectl.run(["delete", "networkpolicies", "-n", namespace, ...names])
}

/** As the master has it done. */
async function checkedBy(isolation: PodIsolationCheck): Promise<{ outcome: Outcome | null; steps: string[] }> {
  const { world } = new FakeWorld()
  const worker = new Worker({
    name: "worker",
    master,
    world: { ...world, target: { ...world.target, isolation } },
    telemetry: new Metrics(),
    log: pino({ level: "silent" }),
    gate: async () => undefined,
    maxOperations: 1,
    leaseSeconds: 30,
    pollSeconds: 1,
    graceSeconds: 5,
  })
  const operation = master.queue("local", "check_isolation")
  worker.start()
  try {
    await until("the check has ended", async () => operation.outcome !== null, { seconds: 120 })
  } finally {
    await worker.stop()
  }
  return {
    outcome: operation.outcome,
    steps: [...operation.steps.values()].map(({ name, state }) => `${name} ${state}`),
  }
}

async function probes(): Promise<string[]> {
  const names = (await cluster.kubectl.list("namespaces")).map(({ metadata }) => String(metadata.name))
  return names.filter((name) => name.startsWith(prefix))
}
