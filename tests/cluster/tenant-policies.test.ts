/**
 * What a tenant's network policies allow, judged by cyclonus from the objects as the API server has them, and what
 * pods that are held to them really get through to.
 */
import { strict as assert } from "node:assert"
import { suite } from "uvu"
import { namespace } from "../../sidecar/drivers/kubernetes/objects/namespace.ts"
import { networkPolicies } from "../../sidecar/drivers/kubernetes/objects/network-policies.ts"
import { makeCluster } from "./cluster.ts"
import { apiPort } from "./control-plane.ts"
import type { KubeObject } from "./kubectl.ts"
import { addMetadata } from "./metadata.ts"
import { restrictedPod } from "./pods.ts"
import { allowed, type Peer, type Traffic } from "./policies.ts"
import { type Address, reached } from "./reach.ts"

const test = suite("a tenant's network policies")

const cluster = await makeCluster("policies", { policies: "enforced" })
/** What becomes of policies on a cluster of KUBECONFIG is not for us to know. */
const enforced = cluster.node === null ? test.skip : test
const prefix = `saas-policies-${process.pid}-`
const [acme, other, correspondent, hermit] = ["tacme234567", "tother23456", "tcorresp234", "thermit2345"] as const
const relayPort = 587
/** Each with what its plan lets out. */
const tenants = {
  [acme]: { mailPorts: [relayPort], https: true },
  [other]: { mailPorts: [], https: true },
  [correspondent]: { mailPorts: [relayPort], https: false },
  [hermit]: { mailPorts: [], https: false },
}
const namespaces = Object.keys(tenants).map((tenant) => prefix + tenant)
const databases = `databases-${process.pid}`
const strangers = `strangers-${process.pid}`
const postgres = "10.9.9.9"
const node = "10.8.0.1"

test.before(async () => {
  for (const [tenant, outgoing] of Object.entries(tenants)) {
    const owner = { installation: "c0ffee00-0000-4000-8000-000000000000", tenant, epoch: 1 }
    const place = prefix + tenant
    const policies = networkPolicies(owner, place, {
      callers: ["traefik"],
      callerNetworks: [`${node}/32`],
      postgres: [{ networks: [`${postgres}/32`], namespaces: [databases], address: { port: 5432 } }],
      ownPostgres: false,
      certificates: false,
      ...outgoing,
    })
    await cluster.kubectl.apply(namespace(owner, place), ...policies)
  }
  for (const name of [databases, strangers]) {
    await cluster.kubectl.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name } })
  }
})

test.after(async () => {
  for (const name of [...namespaces, databases, strangers]) {
    await cluster.kubectl.try(["delete", "namespace", name, "--wait=false"])
  }
  await cluster.stop()
})

const odoo = pod(acme, "odoo", "10.1.0.1")
const neighbour = pod(other, "odoo", "10.1.0.2")
const writer = pod(correspondent, "odoo", "10.1.0.6")
const quiet = pod(hermit, "odoo", "10.1.0.7")
const relay = "192.168.1.25"
const traefik = { metadata: { namespace: "traefik", labels: { app: "traefik" } }, status: { podIP: "10.1.0.3" } }
const inside = (namespace: string) => ({ metadata: { namespace, labels: { app: "x" } }, status: { podIP: "10.1.0.9" } })
const stranger = { metadata: { namespace: "default", labels: { app: "x" } }, status: { podIP: "10.1.0.4" } }

test("what must work works, and what must not does not", async () => {
  const matrix: [string, Peer, Peer, number, boolean, "TCP" | "UDP"][] = [
    ["the ingress controller asks Odoo", traefik, odoo, 8069, true, "TCP"],
    ["the kubelet and the sidecar ask Odoo", node, odoo, 8069, true, "TCP"],
    ["the ingress controller asks for anything else", traefik, odoo, 22, false, "TCP"],
    ["a stranger asks Odoo", stranger, odoo, 8069, false, "TCP"],
    ["a neighbour asks Odoo", neighbour, odoo, 8069, false, "TCP"],
    ["Odoo asks a neighbour", odoo, neighbour, 8069, false, "TCP"],
    ["Odoo asks its own namespace", odoo, pod(acme, "packer", "10.1.0.5"), 8069, true, "TCP"],
    ["Odoo asks PostgreSQL", odoo, postgres, 5432, true, "TCP"],
    ["Odoo asks PostgreSQL in a namespace of the operator's", odoo, inside(databases), 5432, true, "TCP"],
    ["Odoo asks for anything else there", odoo, inside(databases), 22, false, "TCP"],
    ["Odoo asks another database", odoo, "10.9.9.8", 5432, false, "TCP"],
    ["Odoo asks for a name", odoo, "10.0.0.10", 53, true, "UDP"],
    ["Odoo asks the cloud for a name", odoo, "169.254.169.254", 53, true, "UDP"],
    ["Odoo asks the cloud for its metadata", odoo, "169.254.169.254", 80, false, "TCP"],
    ["Odoo asks a payment provider", odoo, "93.184.216.34", 443, true, "TCP"],
    ["Odoo asks the operator's own network", odoo, "192.168.1.7", 443, false, "TCP"],
    ["Odoo hands mail to the relay", odoo, relay, relayPort, true, "TCP"],
    ["Odoo hands mail to the cloud", odoo, "169.254.169.254", relayPort, false, "TCP"],
    ["Odoo sends mail past the relay", odoo, "93.184.216.34", 25, false, "TCP"],
    ["one whose plan sends no mail does", neighbour, relay, relayPort, false, "TCP"],
    ["it asks a payment provider", neighbour, "93.184.216.34", 443, true, "TCP"],
    ["one whose plan sends mail only does", writer, relay, relayPort, true, "TCP"],
    ["it asks a payment provider", writer, "93.184.216.34", 443, false, "TCP"],
    ["one whose plan lets nothing out sends mail", quiet, relay, relayPort, false, "TCP"],
    ["it asks a payment provider", quiet, "93.184.216.34", 443, false, "TCP"],
    ["it asks PostgreSQL", quiet, postgres, 5432, true, "TCP"],
    ["it asks for a name", quiet, "10.0.0.10", 53, true, "UDP"],
    ["it is asked by the ingress controller", traefik, quiet, 8069, true, "TCP"],
  ]
  const traffic = matrix.map(([, from, to, port, , protocol]): Traffic => ({ from, to, port, protocol }))
  const answers = await allowed(cluster, namespaces, traffic)
  assert.deepEqual(
    matrix.map(([what], at) => `${what}: ${answers[at]}`),
    matrix.map(([what, , , , expected]) => `${what}: ${expected}`),
  )
})

enforced(
  "what pods get through to is what cyclonus reads out of the policies, from each of them to each other",
  async () => {
    if (cluster.node !== null) await addMetadata(cluster.node)
    const pods = await realPods()
    const outside: [string, number][] = [
      ["169.254.169.254", 80],
      [cluster.hostAddress ?? "", apiPort],
    ]
    const ways = pods.flatMap((from) => [
      ...pods.filter((to) => to !== from).flatMap((to) => listened.map((port) => ({ from, to, port }))),
      ...outside.map(([to, port]) => ({ from, to, port })),
    ])
    const told = await allowed(cluster, [prefix + acme, prefix + other], ways)
    const found = await Promise.all(
      pods.map((from) => {
        const addresses = ways.flatMap((way): Address[] => (way.from === from ? [[addressOf(way.to), way.port]] : []))
        return reached(cluster.kubectl, from.metadata.namespace, from.metadata.name, addresses)
      }),
    )
    const described = (answers: readonly boolean[]) =>
      ways.map(({ from, to, port }, at) => `${nameOf(from)} to ${nameOf(to)}:${port} ${answers[at] ? "open" : "shut"}`)
    assert.deepEqual(described(found.flat()), described(told))
  },
)

const listened = [8069, 5432, 9000]

/** Of each kind that the policies know, and of those that they do not. */
async function realPods(): Promise<KubeObject[]> {
  const script = `import http.server as h, threading
for port in ${JSON.stringify(listened)}:
    server = h.ThreadingHTTPServer(("", port), h.SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever).start()`
  const one = (namespace: string, name: string) =>
    restrictedPod({
      name,
      namespace,
      image: cluster.odooImage,
      args: ["-c", script],
      port: 8069,
      path: "/",
      labels: { "odoo-saas/part": name },
    })
  const wanted = [
    one(prefix + acme, "odoo"),
    one(prefix + acme, "packer"),
    one(prefix + other, "odoo"),
    one(databases, "postgres"),
    one(strangers, "odoo"),
    one("traefik", "asker"),
  ]
  await cluster.kubectl.apply(...wanted)
  return Promise.all(wanted.map(({ metadata }) => cluster.kubectl.podReady(metadata.name, metadata.namespace)))
}

function addressOf(peer: Peer): string {
  return typeof peer === "string" ? peer : peer.status.podIP
}

function nameOf(peer: Peer): string {
  return typeof peer === "string" ? peer : `${peer.metadata.namespace}/${peer.metadata.name}`
}

function pod(tenant: string, part: string, podIP: string): KubeObject {
  return { metadata: { namespace: prefix + tenant, labels: { "odoo-saas/part": part } }, status: { podIP } }
}

test.run()
