/** Whether tenants are apart is tried from inside two pods, with what a cluster makes of their policies. */
import { strict as assert } from "node:assert"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { KubeConfig } from "@kubernetes/client-node"
import { suite } from "uvu"
import { Client } from "../../sidecar/drivers/kubernetes/client.ts"
import { IsolationCheck } from "../../sidecar/drivers/kubernetes/isolation-check.ts"
import { clusterSettings } from "../contract/kubernetes/settings.ts"
import { until } from "../helpers/wait.ts"
import { makeCluster } from "./cluster.ts"
import { forwardTo } from "./forward.ts"

const test = suite("the isolation check")

const cluster = await makeCluster("isolation")
const prefix = `saas-${process.pid}-`
const config = new KubeConfig()
config.loadFromFile(cluster.kubeconfig)
/** Any server that pods reach: that it is none of PostgreSQL does not matter to who only connects. */
const database = createServer()
const closers: (() => Promise<void>)[] = []

test.after(async () => {
  for (const close of closers) await close()
  await cluster.stop()
})

const reachable = cluster.hostAddress === null || cluster.tenantImage === null ? test.skip : test

reachable("it reports what a tenant reaches, and says where a cluster holds pods to no policy", async () => {
  await new Promise<void>((resolve) => database.listen(0, "127.0.0.1", resolve))
  closers.push(() => new Promise((resolve) => database.close(() => resolve())))
  const { host, port, close } = await forwardTo((database.address() as AddressInfo).port, cluster.hostAddress ?? "")
  closers.unshift(close)
  const settings = {
    ...clusterSettings(cluster),
    prefix,
    callerNetworks: [`${host}/32`],
    databases: [{ name: "local", address: { host, port }, networks: [`${host}/32`], namespaces: [] }],
  }
  const installation = () => "c0ffee00-0000-4000-8000-000000000000"
  const { tries, missing } = await new IsolationCheck({ client: new Client(config), installation, settings }).run()

  const found = Object.fromEntries(tries.map((one) => [`${one.from} to ${one.to}`, one.found]))
  assert.equal(found["a tenant to itself"], "open")
  assert.equal(found["a tenant to the database server local"], "open")
  assert.equal(found["the sidecar to a tenant"], "open")
  assert.equal(found["a tenant to the cloud's metadata"], "shut")
  // A cluster of our own holds pods to no policy; one of KUBECONFIG may.
  if (found["a tenant to another tenant"] === "shut") assert.deepEqual(missing, [])
  else assert.match(missing.join(), /^Network policies are not enforced by this cluster \(open: a tenant to another/)
})

reachable("nothing is left of its pods", async () => {
  const names = async () => (await cluster.kubectl.list("namespaces")).map(({ metadata }) => String(metadata.name))
  const areGone = async () => (await names()).every((name) => !name.startsWith(prefix))
  await until("its namespaces are gone", areGone)
})

test.run()
