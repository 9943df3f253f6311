/**
 * Who may speak to a tenant's pods and to whom they may speak: nobody and nobody, but for what is named here.
 * Whether a cluster holds pods to it depends on its network plug-in.
 */
import type { V1NetworkPolicyPort } from "@kubernetes/client-node"
import { linkLocalNetwork, privateNetworks } from "../../../domain/private-networks.ts"
import { odooName, odooPort } from "./deployment.ts"
import { type KubeObject, labels, metadata, type Owner } from "./object.ts"
import { postgresName, postgresPort } from "./postgres.ts"
import { websocketPort } from "./websocket.ts"

export interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly { readonly key: string; readonly operator: "NotIn"; readonly values: string[] }[]
}

/** client-node's own type calls `from` otherwise than the wire does. */
export interface NetworkPolicySpec {
  readonly podSelector: Selector
  readonly policyTypes: readonly ("Ingress" | "Egress")[]
  readonly ingress?: readonly { readonly from?: readonly Peer[]; readonly ports?: readonly V1NetworkPolicyPort[] }[]
  readonly egress?: readonly { readonly to?: readonly Peer[]; readonly ports?: readonly V1NetworkPolicyPort[] }[]
}

export type Peer =
  | { readonly podSelector: { readonly matchLabels?: Readonly<Record<string, string>> } }
  | { readonly namespaceSelector: { readonly matchLabels: Readonly<Record<string, string>> } }
  | { readonly ipBlock: { readonly cidr: string; readonly except?: readonly string[] } }

export interface NetworkPolicy extends KubeObject {
  readonly spec: NetworkPolicySpec
}

export interface PolicyParts {
  /** Namespaces whose pods may ask tenants: the ingress controller's, the sidecar's where it runs in the cluster. */
  readonly callers: readonly string[]
  /** Networks that may ask tenants: the nodes' (their kubelets probe), the sidecar's where it runs outside. */
  readonly callerNetworks: readonly string[]
  /** Shared servers that they use; one of the tenant's own is in the same namespace. */
  readonly postgres: readonly {
    readonly networks: readonly string[]
    readonly namespaces: readonly string[]
    readonly address: { readonly port: number }
  }[]
  /** Whether the tenant has a PostgreSQL of its own here, which only its Odoo and the operator may reach. */
  readonly ownPostgres: boolean
  /** Whether cert-manager proves the customers' own domains here, with a pod that the certificate authority asks. */
  readonly certificates: boolean
  /** Ports of the operator's mail relay, or [] where mail does not leave. */
  readonly mailPorts: readonly number[]
  /** Whether it may call others on the Internet: payment providers, carriers, mail servers of its own. */
  readonly https: boolean
}

/** Where cert-manager's pod answers that proves a domain. */
const solverPort = 8089

export function networkPolicies(owner: Owner, namespace: string, parts: PolicyParts): NetworkPolicy[] {
  const everyPod = { podSelector: {} }
  const odoo = { podSelector: { matchLabels: { [labels.part]: odooName } } }
  const policy = (name: string, spec: NetworkPolicySpec): NetworkPolicy => ({
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: metadata(owner, name, namespace),
    spec,
  })
  const callers: Peer[] = [...namespaces(parts.callers), ...networks(parts.callerNetworks)]
  return [
    // Empty and not left out: what somebody adds here is taken away again.
    policy("default-deny", { ...everyPod, policyTypes: ["Ingress", "Egress"], ingress: [], egress: [] }),
    policy("same-namespace", {
      ...everyPodBut(parts.ownPostgres ? [postgresName] : []),
      policyTypes: ["Ingress", "Egress"],
      ingress: [{ from: [everyPod] }],
      egress: [{ to: [everyPod] }],
    }),
    ...(parts.ownPostgres
      ? [
          policy("own-postgres", {
            podSelector: { matchLabels: { [labels.part]: postgresName } },
            policyTypes: ["Ingress"],
            ingress: [{ from: [odoo, ...callers], ports: [port(postgresPort)] }],
          }),
        ]
      : []),
    // Anywhere: a rule by pod labels would miss node-local DNS, and one cloud's is at 169.254.169.254.
    policy("dns", {
      ...everyPod,
      policyTypes: ["Egress"],
      egress: [{ ports: [port(53, "UDP"), port(53)] }],
    }),
    // An empty list of callers would be everybody.
    ...(callers.length > 0
      ? [
          policy("callers", {
            ...odoo,
            policyTypes: ["Ingress"],
            ingress: [{ from: callers, ports: [port(odooPort), port(websocketPort)] }],
          }),
        ]
      : []),
    ...(parts.certificates && callers.length > 0
      ? [
          policy("certificates", {
            podSelector: { matchLabels: { "acme.cert-manager.io/http01-solver": "true" } },
            policyTypes: ["Ingress"],
            ingress: [{ from: callers, ports: [port(solverPort)] }],
          }),
        ]
      : []),
    ...(parts.postgres.length > 0
      ? [
          policy("postgres", {
            ...everyPod,
            policyTypes: ["Egress"],
            egress: parts.postgres.map((server) => ({
              to: [...namespaces(server.namespaces), ...networks(server.networks)],
              ports: [port(server.address.port)],
            })),
          }),
        ]
      : []),
    // Empty and not left out, where the plan gives nothing of it: so it takes away what an earlier plan gave.
    policy("outgoing", { ...everyPod, policyTypes: ["Egress"], egress: outgoing(parts) }),
  ]
}

function outgoing({ mailPorts, https }: PolicyParts): NonNullable<NetworkPolicySpec["egress"]> {
  const anywhere = (except: readonly string[]): Peer => ({ ipBlock: { cidr: "0.0.0.0/0", except } })
  return [
    // The relay may well be in the operator's own network.
    ...(mailPorts.length > 0 ? [{ to: [anywhere([linkLocalNetwork])], ports: mailPorts.map((one) => port(one)) }] : []),
    ...(https ? [{ to: [anywhere(privateNetworks)], ports: [port(443)] }] : []),
  ]
}

/** Rules only ever allow: who is not to be reached by everybody must not be in the rule that says so. */
function everyPodBut(parts: string[]): { podSelector: Selector } {
  if (parts.length === 0) return { podSelector: {} }
  return { podSelector: { matchExpressions: [{ key: labels.part, operator: "NotIn", values: parts }] } }
}

function namespaces(names: readonly string[]): Peer[] {
  return names.map((name) => ({ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } } }))
}

function networks(cidrs: readonly string[]): Peer[] {
  return cidrs.map((cidr) => ({ ipBlock: { cidr } }))
}

function port(number: number, protocol: "TCP" | "UDP" = "TCP"): V1NetworkPolicyPort {
  return { port: number, protocol }
}
