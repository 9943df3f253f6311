/** Whether tenants are apart is tried from inside two pods, with what a cluster makes of their policies. */
import { strict as assert } from "node:assert"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { KubeConfig } from "@kubernetes/client-node"
import { pino } from "pino"
import { suite } from "uvu"
import { Client } from "../../sidecar/drivers/kubernetes/client.ts"
import { PodIsolationCheck } from "../../sidecar/drivers/kubernetes/isolation-check.ts"
import { Metrics } from "../../sidecar/http/metrics.ts"
import type { Outcome } from "../../sidecar/odoo/port.ts"
import { Worker } from "../../sidecar/reconcile/worker.ts"
import { clusterSettings } from "../contract/kubernetes/settings.ts"
import { until } from "../helpers/wait.ts"
import { FakeMaster } from "../sidecar/helpers/fake-master.ts"
import { FakeWorld } from "../sidecar/helpers/fake-world.ts"
import { makeCluster } from "./cluster.ts"
import { forwardTo } from "./forward.ts"

const test = suite("the isolation check")

const cluster = await makeCluster("isolation")
const prefix = `saas-${process.pid}-`
const config = new KubeConfig()
config.loadFromFile(cluster.kubeconfig)
/** Any server that pods reach: that it is none of PostgreSQL does not matter to who only connects. */
const database = createServer()
const master = new FakeMaster()
const closers: (() => Promise<void>)[] = []

test.after(async () => {
  for (const close of closers) await close()
  await cluster.stop()
})

const reachable = cluster.hostAddress === null || cluster.tenantImage === null ? test.skip : test

reachable("a worker reports what a tenant reaches, and how far the cluster holds pods to policies", async () => {
  const isolation = await makeCheck()
  // As a sidecar leaves it that is killed in the middle.
  await isolation.start({ tenant: "target_local", epoch: 0, server: "", signal: new AbortController().signal })
  assert.equal((await probes()).length, 2)
  const { outcome, steps } = await checkedBy(isolation)
  assert.deepEqual(steps, ["start_probes done", "try_ways done", "remove_probes done"])
  assert.equal(outcome?.kind, "checked", JSON.stringify(outcome))
  const ways = outcome?.kind === "checked" ? outcome.ways : []
  const found = Object.fromEntries(ways.map((way) => [`${way.from} to ${way.to} ${way.name}`.trim(), way.found]))
  assert.equal(found["tenant to itself"], "open")
  assert.equal(found["tenant to database local"], "open")
  assert.equal(found["sidecar to tenant"], "open")
  assert.equal(found["tenant to metadata"], "shut")
  // A cluster of our own holds pods to no policy; one of KUBECONFIG may.
  assert.equal(found["tenant to cluster"], found["tenant to other_tenant"])
  const shut = ways.filter(({ wanted }) => wanted === "shut").map(({ to }) => to)
  assert.deepEqual(shut, ["other_tenant", "cluster", "metadata"])
})

reachable("nothing is left of its pods, nor of those of a check that was killed", async () => {
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
