/**
 * Network policies as rules of the kernel's packet filter, as a network plug-in makes them. A pod that no policy
 * chooses is left alone, and so is what a node itself says to its pods: kubelets probe.
 */
import type { KubeObject } from "./kubectl.ts"

/** All that there are, as the API server tells them. */
export interface Seen {
  readonly namespaces: readonly KubeObject[]
  readonly pods: readonly KubeObject[]
  readonly policies: readonly KubeObject[]
}

export const rulesTable = "network_policies"

type Direction = "Ingress" | "Egress"

/** Where the other end of a connection is found in its first packet, seen from the pod that a policy is for. */
const otherEnd = { Ingress: "saddr", Egress: "daddr" } as const
const lists = { Ingress: "ingress", Egress: "egress" } as const

/** A script for nft: it takes the place of all that was there, at once. */
export function policyRules(seen: Seen, node: string): string {
  const here = seen.pods.filter((pod) => hasAddress(pod) && pod.spec.nodeName === node)
  const held = (direction: Direction) =>
    here.flatMap((pod) => {
      const policies = seen.policies.filter((policy) => isFor(policy, pod, direction))
      return policies.length === 0 ? [] : [chainOf(pod, direction, policies, seen)]
    })
  const [leaving, entering] = [held("Egress"), held("Ingress")]
  const lines = [
    ...verdicts("leaving", leaving),
    ...verdicts("entering", entering),
    ...[...leaving, ...entering].flatMap(({ name, rules }) => chain(name, [...rules, "drop"])),
    ...chain("forward", [
      "type filter hook forward priority filter",
      "ct state established,related accept",
      // Nothing keeps a pod from itself, be it by way of a service.
      ...here.map(({ status }) => `ip saddr ${status.podIP} ip daddr ${status.podIP} accept`),
      "ip saddr vmap @leaving",
      "ip daddr vmap @entering",
    ]),
    ...chain("input", [
      "type filter hook input priority filter",
      "ct state established,related accept",
      "ip saddr vmap @leaving",
    ]),
  ]
  // What is deleted must be there.
  return `table ip ${rulesTable}\ndelete table ip ${rulesTable}\ntable ip ${rulesTable} {\n${lines.join("\n")}\n}\n`
}

interface Chain {
  readonly pod: string
  readonly name: string
  /** Each returns from the chain what it lets pass. */
  readonly rules: readonly string[]
}

function chainOf(pod: KubeObject, direction: Direction, policies: readonly KubeObject[], seen: Seen): Chain {
  const rules = policies.flatMap((policy) => {
    const allowed: KubeObject[] = policy.spec[lists[direction]] ?? []
    return allowed.flatMap(({ from, to, ports }) =>
      peers(from ?? to, policy, direction, seen).flatMap((peer) => portsOf(ports).map((port) => rule(peer, port))),
    )
  })
  const address: string = pod.status.podIP
  return { pod: address, name: `${lists[direction]}_${address}`, rules: [...new Set(rules)] }
}

function rule(...matches: string[]): string {
  return [...matches.filter((match) => match !== ""), "return"].join(" ")
}

/** "" matches everybody: a list that is not there or empty names nobody in particular. */
function peers(listed: KubeObject[] | undefined, policy: KubeObject, direction: Direction, seen: Seen): string[] {
  const end = `ip ${otherEnd[direction]}`
  if (!listed?.length) return [""]
  return listed.flatMap(({ ipBlock, podSelector, namespaceSelector }) => {
    if (ipBlock) {
      const except: string[] = ipBlock.except ?? []
      return [[`${end} ${ipBlock.cidr}`, ...except.map((one) => `${end} != ${one}`)].join(" ")]
    }
    const spaces = namespaceSelector
      ? seen.namespaces.filter((space) => isChosen(space, namespaceSelector)).map(({ metadata }) => metadata.name)
      : [policy.metadata.namespace]
    const pods = seen.pods.filter(
      (pod) => hasAddress(pod) && spaces.includes(pod.metadata.namespace) && isChosen(pod, podSelector ?? {}),
    )
    const addresses = new Set(pods.map(({ status }) => status.podIP))
    return addresses.size === 0 ? [] : [`${end} { ${[...addresses].sort().join(", ")} }`]
  })
}

function portsOf(listed: KubeObject[] | undefined): string[] {
  if (!listed?.length) return [""]
  return listed.map(({ protocol = "TCP", port, endPort }) => {
    const name = protocol.toLowerCase()
    if (port === undefined) return `meta l4proto ${name}`
    if (typeof port !== "number") {
      throw new Error(`A network policy names the port ${port}; the rules of test clusters know ports by number only.`)
    }
    return `${name} dport ${endPort === undefined ? port : `${port}-${endPort}`}`
  })
}

function isFor({ metadata, spec }: KubeObject, pod: KubeObject, direction: Direction): boolean {
  const { namespace } = pod.metadata
  return metadata.namespace === namespace && spec.policyTypes.includes(direction) && isChosen(pod, spec.podSelector)
}

function isChosen({ metadata }: KubeObject, { matchLabels = {}, matchExpressions = [] }: KubeObject): boolean {
  const labels: Record<string, string> = metadata.labels ?? {}
  const expressions: KubeObject[] = matchExpressions
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    expressions.every(({ key, operator, values }) => {
      const isThere = key in labels
      switch (operator) {
        case "In":
          return isThere && values.includes(labels[key])
        case "NotIn":
          return !isThere || !values.includes(labels[key])
        case "Exists":
          return isThere
        case "DoesNotExist":
          return !isThere
        default:
          throw new Error(`A selector has the operator ${operator}, which is not known here.`)
      }
    })
  )
}

/** One of its own: what shares the node's is the node to everybody else. What has ended lets another have it. */
function hasAddress({ spec, status }: KubeObject): boolean {
  return Boolean(status?.podIP) && !spec.hostNetwork && !["Succeeded", "Failed"].includes(status.phase)
}

function verdicts(name: string, chains: readonly Chain[]): string[] {
  const elements = chains.map(({ pod, name }) => `${pod} : jump ${name}`).join(", ")
  const filled = elements === "" ? [] : [`    elements = { ${elements} }`]
  return [`  map ${name} {`, "    type ipv4_addr : verdict", ...filled, "  }"]
}

function chain(name: string, rules: readonly string[]): string[] {
  return [`  chain ${name} {`, ...rules.map((rule) => `    ${rule};`), "  }"]
}
