/** What all objects of ours have in common, and how one tells whose they are. */
import type { TenantId } from "../../../domain/tenant.ts"

export interface Metadata {
  readonly name: string
  readonly namespace?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly uid?: string
  readonly resourceVersion?: string
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
}

/** As JSON on the wire; each builder adds the rest of its kind. */
export interface KubeObject {
  readonly apiVersion: string
  readonly kind: Kind
  readonly metadata: Metadata
}

/** Where each kind is found in the API. */
export const kinds = {
  Namespace: { root: "/api/v1", plural: "namespaces", namespaced: false },
  ResourceQuota: { root: "/api/v1", plural: "resourcequotas", namespaced: true },
  LimitRange: { root: "/api/v1", plural: "limitranges", namespaced: true },
  ServiceAccount: { root: "/api/v1", plural: "serviceaccounts", namespaced: true },
  Secret: { root: "/api/v1", plural: "secrets", namespaced: true },
  PersistentVolumeClaim: { root: "/api/v1", plural: "persistentvolumeclaims", namespaced: true },
  PersistentVolume: { root: "/api/v1", plural: "persistentvolumes", namespaced: false },
  Pod: { root: "/api/v1", plural: "pods", namespaced: true },
  Service: { root: "/api/v1", plural: "services", namespaced: true },
  Event: { root: "/api/v1", plural: "events", namespaced: true },
  Node: { root: "/api/v1", plural: "nodes", namespaced: false },
  EndpointSlice: { root: "/apis/discovery.k8s.io/v1", plural: "endpointslices", namespaced: true },
  Deployment: { root: "/apis/apps/v1", plural: "deployments", namespaced: true },
  StatefulSet: { root: "/apis/apps/v1", plural: "statefulsets", namespaced: true },
  Job: { root: "/apis/batch/v1", plural: "jobs", namespaced: true },
  Ingress: { root: "/apis/networking.k8s.io/v1", plural: "ingresses", namespaced: true },
  IngressClass: { root: "/apis/networking.k8s.io/v1", plural: "ingressclasses", namespaced: false },
  NetworkPolicy: { root: "/apis/networking.k8s.io/v1", plural: "networkpolicies", namespaced: true },
  RoleBinding: { root: "/apis/rbac.authorization.k8s.io/v1", plural: "rolebindings", namespaced: true },
  ClusterRole: { root: "/apis/rbac.authorization.k8s.io/v1", plural: "clusterroles", namespaced: false },
  StorageClass: { root: "/apis/storage.k8s.io/v1", plural: "storageclasses", namespaced: false },
  ClusterIssuer: { root: "/apis/cert-manager.io/v1", plural: "clusterissuers", namespaced: false },
  IngressRoute: { root: "/apis/traefik.io/v1alpha1", plural: "ingressroutes", namespaced: true },
  Middleware: { root: "/apis/traefik.io/v1alpha1", plural: "middlewares", namespaced: true },
} as const

export type Kind = keyof typeof kinds

/** On whose behalf something is made: found again by it, fenced by it, and left alone where it is another's. */
export interface Owner {
  readonly installation: string
  /** A tenant's id, or the subject of a template's claim. */
  readonly tenant: TenantId
  readonly epoch: number
}

export const labels = {
  managedBy: "app.kubernetes.io/managed-by",
  installation: "odoo-saas/installation",
  tenant: "odoo-saas/tenant",
  /** Which part of a tenant a pod is. */
  part: "odoo-saas/part",
} as const

export const annotations = {
  epoch: "odoo-saas/epoch",
  fingerprint: "odoo-saas/fingerprint",
  route: "odoo-saas/route",
  /** Fingerprint of what it was written as. */
  made: "odoo-saas/made",
  /** On an Ingress: fingerprint of what surrounds it, and the version of its guard. */
  around: "odoo-saas/around",
  guard: "odoo-saas/guard",
  /** On a claim that was made before its tenant's database. */
  begun: "odoo-saas/begun",
  /** On a Deployment: version of its configuration. */
  conf: "odoo-saas/conf",
} as const

export const ourselves = "odoo-saas"

/** All of a tenant's objects, of every kind, answer to this. */
export function inventory({ installation, tenant }: Omit<Owner, "epoch">): Record<string, string> {
  return { [labels.managedBy]: ourselves, [labels.installation]: installation, [labels.tenant]: tenant }
}

/** The same for the API server, which lists by it. */
export function inventorySelector(owner: Omit<Owner, "epoch">): string {
  const pairs = Object.entries(inventory(owner))
  return pairs.map((pair) => pair.join("=")).join(",")
}

export function metadata(
  owner: Owner,
  name: string,
  namespace?: string,
  more: Pick<Metadata, "labels" | "annotations"> = {},
): Metadata {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    labels: { ...inventory(owner), ...more.labels },
    annotations: { [annotations.epoch]: String(owner.epoch), ...more.annotations },
  }
}

export function withMarks<T extends KubeObject>(object: T, marks: Readonly<Record<string, string>>): T {
  const { metadata } = object
  return { ...object, metadata: { ...metadata, annotations: { ...metadata.annotations, ...marks } } }
}

export function epochOf(object: Pick<KubeObject, "metadata">): number {
  return Number(object.metadata.annotations?.[annotations.epoch] ?? 0)
}

export function installationOf(object: KubeObject): string | null {
  return object.metadata.labels?.[labels.installation] ?? null
}

export function tenantOf(object: KubeObject | null): TenantId | null {
  return object?.metadata.labels?.[labels.tenant] ?? null
}
