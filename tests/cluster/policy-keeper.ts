/**
 * A process of a node that holds its pods to the network policies, from the moment that it is there. It is told the
 * file of an account that sees everything, and the node's name. Killed, it leaves the rules as they are.
 */
import { existsSync, readFileSync } from "node:fs"
import { KubeConfig } from "@kubernetes/client-node"
import { run } from "../../scripts/lib/commands.ts"
import { WatchCache } from "../../sidecar/drivers/kubernetes/cache.ts"
import { Client } from "../../sidecar/drivers/kubernetes/client.ts"
import { policyRules } from "./policy-rules.ts"

const [kubeconfig = "", node = ""] = process.argv.slice(2)

/** Pods of one node meet on its bridge, whose packets the filter must see, too. Each network namespace has its own. */
const bridgeFilter = "/proc/sys/net/bridge/bridge-nf-call-iptables"

const config = new KubeConfig()
config.loadFromFile(kubeconfig)
const client = new Client(config)
const namespaces = new WatchCache(client, "Namespace", "")
const pods = new WatchCache(client, "Pod", "")
const policies = new WatchCache(client, "NetworkPolicy", "")
const caches = [namespaces, pods, policies]

let tell: () => void = () => undefined
const nextChange = () =>
  new Promise<void>((resolve) => {
    tell = resolve
  })
for (const cache of caches) cache.onChange(() => tell())
for (const cache of caches) await cache.ready()
if (!existsSync(bridgeFilter) || readFileSync(bridgeFilter, "utf8").trim() !== "1") {
  throw new Error(`What crosses a bridge passes the packet filter by (${bridgeFilter} is not 1): modprobe br_netfilter`)
}
let applied = ""
for (;;) {
  const changed = nextChange()
  const rules = policyRules({ namespaces: namespaces.list(), pods: pods.list(), policies: policies.list() }, node)
  if (rules !== applied) {
    await run("nft", ["-f", "-"], { input: rules })
    applied = rules
    console.log(new Date().toISOString(), rules)
  }
  await changed
}
