/** The packet filter's rules of a test cluster let through what network policies name, and nothing that they do not. */
import { strict as assert } from "node:assert"
import { suite } from "uvu"
import type { KubeObject } from "../cluster/kubectl.ts"
import { policyRules } from "../cluster/policy-rules.ts"

const test = suite("network policies as rules of the packet filter")

const namespaces = ["shop", "other"].map((name) => ({ metadata: { name, labels: { name } } }))
const web = pod("shop", "10.1.0.1", { app: "web" })
const cron = pod("shop", "10.1.0.2", { app: "cron", tier: "back" })
const guest = pod("other", "10.1.0.3", { app: "web" })
const pods = [web, cron, guest]

test("a pod that no policy chooses is left alone", () => {
  assert.deepEqual(chains([policy({ podSelector: { matchLabels: { app: "nobody" } }, policyTypes: ["Ingress"] })]), {})
})

test("one that a policy chooses is shut in the directions that it is for, in its namespace", () => {
  assert.deepEqual(chains([policy({ podSelector: {}, policyTypes: ["Ingress"] })]), {
    "ingress_10.1.0.1": [],
    "ingress_10.1.0.2": [],
  })
  const found = chains([policy({ podSelector: { matchLabels: { app: "web" } }, policyTypes: ["Ingress", "Egress"] })])
  assert.deepEqual(found, { "ingress_10.1.0.1": [], "egress_10.1.0.1": [] })
})

test("what each of several policies allows is let through", () => {
  const one = { podSelector: { matchLabels: { app: "web" } }, policyTypes: ["Ingress"] }
  const http = policy({ ...one, ingress: [{ ports: [{ port: 80 }] }] })
  const range = policy({
    ...one,
    ingress: [{ ports: [{ port: 90, endPort: 95, protocol: "UDP" }, { protocol: "TCP" }] }],
  })
  assert.deepEqual(chains([http, range]), {
    "ingress_10.1.0.1": ["tcp dport 80", "udp dport 90-95", "meta l4proto tcp"],
  })
})

test("a rule without peers or ports is for all of them, and one whose peers are not there for nobody", () => {
  const one = { podSelector: { matchLabels: { app: "web" } }, policyTypes: ["Ingress"] }
  assert.deepEqual(chains([policy({ ...one, ingress: [{}] })]), { "ingress_10.1.0.1": [""] })
  const nobody = [{ podSelector: { matchLabels: { app: "nobody" } } }]
  assert.deepEqual(chains([policy({ ...one, ingress: [{ from: nobody }] })]), { "ingress_10.1.0.1": [] })
})

test("peers are pods of the policy's namespace, of others, of some in others, or addresses", () => {
  const ipBlock = { cidr: "0.0.0.0/0", except: ["10.0.0.0/8", "192.168.0.0/16"] }
  const to = (peer: KubeObject) => {
    const egress = [{ to: [peer] }]
    return chains([policy({ podSelector: { matchLabels: { app: "web" } }, policyTypes: ["Egress"], egress })])
  }
  const other = { matchLabels: { name: "other" } }
  const expected = (rule: string) => ({ "egress_10.1.0.1": [rule] })
  assert.deepEqual(to({ podSelector: {} }), expected("ip daddr { 10.1.0.1, 10.1.0.2 }"))
  assert.deepEqual(to({ namespaceSelector: other }), expected("ip daddr { 10.1.0.3 }"))
  const webs = { podSelector: { matchLabels: { app: "web" } }, namespaceSelector: {} }
  assert.deepEqual(to(webs), expected("ip daddr { 10.1.0.1, 10.1.0.3 }"))
  assert.deepEqual(to({ ipBlock }), expected("ip daddr 0.0.0.0/0 ip daddr != 10.0.0.0/8 ip daddr != 192.168.0.0/16"))
})

test("a selector's expressions count like its labels", () => {
  const chosen = (expression: KubeObject) => {
    const podSelector = { matchExpressions: [expression] }
    return Object.keys(chains([policy({ podSelector, policyTypes: ["Ingress"] })]))
  }
  const [first, second] = ["ingress_10.1.0.1", "ingress_10.1.0.2"]
  assert.deepEqual(chosen({ key: "app", operator: "In", values: ["web", "x"] }), [first])
  assert.deepEqual(chosen({ key: "app", operator: "NotIn", values: ["web"] }), [second])
  assert.deepEqual(chosen({ key: "tier", operator: "NotIn", values: ["front"] }), [first, second])
  assert.deepEqual(chosen({ key: "tier", operator: "Exists" }), [second])
  assert.deepEqual(chosen({ key: "tier", operator: "DoesNotExist" }), [first])
})

test("pods of other nodes are somebody's peers, and those without an address of their own are nobody's", () => {
  const elsewhere = { ...cron, spec: { nodeName: "another" } }
  const ended = { ...cron, status: { podIP: "10.1.0.8", phase: "Succeeded" } }
  const ofNode = { ...cron, spec: { nodeName: "node", hostNetwork: true }, status: { podIP: "10.1.0.9" } }
  const every = policy({ podSelector: {}, policyTypes: ["Ingress"], ingress: [{ from: [{ podSelector: {} }] }] })
  assert.deepEqual(chains([every], [web, elsewhere, ended, ofNode]), {
    "ingress_10.1.0.1": ["ip saddr { 10.1.0.1, 10.1.0.2 }"],
  })
})

test("a port with a name is refused, and not taken for another one", () => {
  const named = policy({ podSelector: {}, policyTypes: ["Ingress"], ingress: [{ ports: [{ port: "http" }] }] })
  assert.throws(() => chains([named]), /names the port http; .* by number only/)
})

test.run()

function pod(namespace: string, podIP: string, labels: KubeObject): KubeObject {
  return { metadata: { namespace, labels }, spec: { nodeName: "node" }, status: { podIP, phase: "Running" } }
}

function policy(spec: KubeObject): KubeObject {
  return { metadata: { namespace: "shop" }, spec }
}

/** What each pod's chain lets through before it drops the rest. */
function chains(policies: readonly KubeObject[], all: readonly KubeObject[] = pods): Record<string, string[]> {
  const script = policyRules({ namespaces, pods: all, policies }, "node")
  const found = [...script.matchAll(/chain (\w+_[\d.]+) \{\n([^}]*(?:\{[^}]*\}[^}]*)*?)\n {2}\}/g)]
  return Object.fromEntries(
    found.map(([, name = "", text = ""]) => {
      const rules = text.split("\n").map((line) => line.trim().replace(/;$/, ""))
      assert.equal(rules.pop(), "drop")
      return [name, rules.map((rule) => rule.replace(/ ?return$/, ""))]
    }),
  )
}
