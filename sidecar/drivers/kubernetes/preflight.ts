/** What a cluster lacks for us, found at once and told with the command that gives it. */
import type { Client } from "./client.ts"
import { type Kind, type KubeObject, kinds } from "./objects/object.ts"
import { Refusal, toldOf } from "./problems.ts"
import { quantity } from "./quantity.ts"
import type { KubernetesSettings } from "./settings.ts"

const owned = ["get", "list", "patch", "create", "delete"] as const

/** Every right that is used, and on what. */
export const rights: Partial<Record<Kind, readonly string[]>> = {
  Namespace: [...owned, "watch"],
  ResourceQuota: [...owned, "watch"],
  LimitRange: [...owned, "watch"],
  ServiceAccount: [...owned, "watch"],
  Secret: ["get", "patch", "create", "delete"],
  PersistentVolumeClaim: [...owned, "watch"],
  PersistentVolume: ["get", "list", "watch", "patch"],
  Pod: [...owned, "watch"],
  Service: [...owned, "watch"],
  EndpointSlice: owned,
  Event: ["list"],
  Node: ["list"],
  Deployment: [...owned, "watch"],
  StatefulSet: owned,
  Job: owned,
  Ingress: [...owned, "watch"],
  NetworkPolicy: [...owned, "watch"],
}

/** What is needed in the whole cluster where the rest is a ClusterRole that we bind in our own namespaces. */
function everywhere(): typeof rights {
  const all = Object.entries(rights) as [Kind, readonly string[]][]
  const needed = all.flatMap(([kind, verbs]) => {
    if (!kinds[kind].namespaced) return [[kind, verbs]]
    return verbs.includes("watch") ? [[kind, ["get", "list", "watch"]]] : []
  })
  return { ...Object.fromEntries(needed), RoleBinding: ["get", "patch", "create"] }
}

/** Sentences for the operator; none where all is well. Throws where the cluster cannot be asked. */
export async function preflight(client: Client, settings: KubernetesSettings): Promise<string[]> {
  try {
    const { certificates } = settings
    const [missing, ingressClass, storage, issuer] = await Promise.all([
      settings.tenantRole === null ? missingRights(client, rights) : missingOfRole(client, settings.tenantRole),
      client.get({ kind: "IngressClass", name: settings.ingressClass }),
      storageProblem(client, settings.storageClass),
      certificates ? issuerProblem(client, certificates.issuer) : "",
    ])
    const notes = [...missing]
    if (ingressClass === null) {
      notes.push(
        `There is no ingress class ${settings.ingressClass}: choose one of kubectl get ingressclass in KUBE_INGRESS_CLASS.`,
      )
    }
    return [...notes, storage, issuer].filter(Boolean)
  } catch (error) {
    throw error instanceof Refusal ? toldOf(error, "Looking at the cluster") : error
  }
}

async function missingRights(client: Client, wanted: typeof rights): Promise<string[]> {
  const asked = Object.entries(wanted).map(async ([kind, verbs]): Promise<[Kind, string[]]> => {
    const answers = await Promise.all(verbs.map((verb) => isAllowed(client, kind as Kind, verb)))
    return [kind as Kind, verbs.filter((_, index) => !answers[index])]
  })
  return (await Promise.all(asked))
    .filter(([, verbs]) => verbs.length > 0)
    .map(
      ([kind, verbs]) =>
        `The sidecar may not ${verbs.join(", ")} ${kinds[kind].plural}: kubectl create clusterrole odoo-saas-${kinds[kind].plural} ` +
        `--verb=${verbs.join(",")} --resource=${kinds[kind].plural}, and bind it to the sidecar's account.`,
    )
}

interface ClusterRole extends KubeObject {
  readonly rules?: readonly {
    readonly apiGroups?: readonly string[]
    readonly resources?: readonly string[]
    readonly verbs: readonly string[]
  }[]
}

/** Of the role that is bound in each namespace of ours, and of what is needed besides. */
async function missingOfRole(client: Client, name: string): Promise<string[]> {
  const [notes, role] = await Promise.all([
    missingRights(client, everywhere()),
    client.get<ClusterRole>({ kind: "ClusterRole", name }),
  ])
  const mend = "kubectl apply -k the overlay that the sidecar came with."
  if (role === null) return [...notes, `There is no ClusterRole ${name} (KUBE_TENANT_ROLE): ${mend}`]
  const isGiven = (kind: Kind, verb: string) =>
    (role.rules ?? []).some(
      ({ apiGroups = [], resources = [], verbs }) =>
        apiGroups.includes(groupOf(kind)) && resources.includes(kinds[kind].plural) && verbs.includes(verb),
    )
  const inside = Object.entries(rights) as [Kind, readonly string[]][]
  for (const [kind, verbs] of inside.filter(([one]) => kinds[one].namespaced)) {
    const missing = verbs.filter((verb) => verb !== "watch" && !isGiven(kind, verb))
    if (missing.length === 0) continue
    notes.push(`The ClusterRole ${name} does not let the sidecar ${missing.join(", ")} ${kinds[kind].plural}: ${mend}`)
  }
  return notes
}

function groupOf(kind: Kind): string {
  const { root } = kinds[kind]
  return root.startsWith("/apis/") ? (root.split("/")[2] ?? "") : ""
}

async function isAllowed(client: Client, kind: Kind, verb: string): Promise<boolean> {
  const { plural } = kinds[kind]
  const group = groupOf(kind)
  const answer = (await client.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    spec: { resourceAttributes: { group, resource: plural, verb } },
  })) as { status?: { allowed?: boolean } }
  return answer.status?.allowed === true
}

async function storageProblem(client: Client, name: string | null): Promise<string> {
  if (name !== null) {
    const found = await client.get({ kind: "StorageClass", name })
    return found
      ? ""
      : `There is no storage class ${name}: choose one of kubectl get storageclass in KUBE_STORAGE_CLASS.`
  }
  const { items } = await client.list<KubeObject>("StorageClass")
  const isDefault = ({ metadata }: KubeObject) =>
    metadata.annotations?.["storageclass.kubernetes.io/is-default-class"] === "true"
  return items.some(isDefault) ? "" : "No storage class is the default one: name one in KUBE_STORAGE_CLASS."
}

/** Where there is no cert-manager, there is no such kind of object either. */
async function issuerProblem(client: Client, name: string): Promise<string> {
  const found = await client.get({ kind: "ClusterIssuer", name })
  return found
    ? ""
    : `There is no ClusterIssuer ${name}: customers' own domains get no certificate. Install cert-manager, and choose ` +
        "one of kubectl get clusterissuer in KUBE_CERT_ISSUER."
}

/** What all nodes together give to pods. */
export async function capacity(client: Client): Promise<{ memoryMb: number; cpuMilli: number }> {
  interface Node extends KubeObject {
    readonly status?: { readonly allocatable?: Readonly<Record<string, string>> }
  }
  const { items } = await client.list<Node>("Node")
  const sum = (name: string) => items.reduce((all, { status }) => all + quantity(status?.allocatable?.[name] ?? "0"), 0)
  return { memoryMb: Math.floor(sum("memory") / 1024 / 1024), cpuMilli: Math.floor(sum("cpu") * 1000) }
}
