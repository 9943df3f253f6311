/**
 * What others have added to a tenant: a mesh's containers, somebody's policy. It is theirs and left alone, but whoever
 * looks after the tenant must know of it, since it can let others in or take the tenant's memory.
 */
import type { Pod } from "./explain.ts"
import { type Deployment, isOurContainer, odooName } from "./objects/deployment.ts"
import type { KubeObject } from "./objects/object.ts"

export interface Surroundings {
  readonly namespace: string
  readonly deployment: Deployment | null
  readonly pod: Pod | null
  /** Of the namespace, and not ours. */
  readonly policies: readonly KubeObject[]
  readonly ingresses: readonly KubeObject[]
}

interface Container {
  readonly name: string
  readonly image?: string
}

/** A sentence each, with where it came from and how it goes; in the same order as long as nothing changes. */
export function additionsTo({ namespace, deployment, pod, policies, ingresses }: Surroundings): string[] {
  const added = othersIn(deployment?.spec.template.spec)
  const isAdded = new Set(added.map(({ name }) => name))
  const injected = othersIn(pod?.spec).filter(({ name }) => !isAdded.has(name))
  return [
    ...added.map(
      ({ name, image }) =>
        `Somebody has added the container ${name} (${image}) to its Deployment. It runs beside Odoo, reaches what Odoo ` +
        `reaches, and counts into the plan's quota. To be rid of it: kubectl edit deployment/${odooName} -n ${namespace}.`,
    ),
    ...injected.map(
      ({ name, image }) =>
        `The container ${name} (${image}) was put into its pod when that was made, as a service mesh does, or by ` +
        `kubectl debug. It runs beside Odoo and reaches what Odoo reaches. To be rid of it, exempt the namespace ` +
        `${namespace} from what injects it, and delete the pod.`,
    ),
    ...names(policies).map(
      (name) =>
        `Its namespace has the network policy ${name}, which is not ours. It can let others in, or the tenant out. ` +
        `To be rid of it: kubectl delete networkpolicy/${name} -n ${namespace}.`,
    ),
    ...names(ingresses).map(
      (name) =>
        `Its namespace has the Ingress ${name}, which is not ours. It can lead visitors past the tenant's own ` +
        `addresses and pages. To be rid of it: kubectl delete ingress/${name} -n ${namespace}.`,
    ),
  ]
}

interface Containers {
  readonly initContainers?: readonly Container[]
  readonly containers: readonly Container[]
  readonly ephemeralContainers?: readonly Container[]
}

function othersIn(spec: Containers | undefined): readonly Container[] {
  if (spec === undefined) return []
  const all = [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])]
  return all.filter((one) => !isOurContainer(one)).sort((a, b) => a.name.localeCompare(b.name))
}

/** cert-manager adds one for as long as it shows that a customer's domain leads here, and we asked it to. */
const solver = "acme.cert-manager.io/http01-solver"

function names(objects: readonly KubeObject[]): string[] {
  const unasked = objects.filter(({ metadata }) => metadata.labels?.[solver] === undefined)
  return unasked.map(({ metadata }) => metadata.name).sort()
}
