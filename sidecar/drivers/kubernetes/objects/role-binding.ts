/** The sidecar's own rights in a namespace, given by itself: it has them there and nowhere else. */
import { type KubeObject, metadata, type Owner } from "./object.ts"

export interface RoleBinding extends KubeObject {
  readonly roleRef: { readonly apiGroup: string; readonly kind: "ClusterRole"; readonly name: string }
  readonly subjects: readonly Subject[]
}

type Subject =
  | { readonly kind: "ServiceAccount"; readonly name: string; readonly namespace: string }
  | { readonly kind: "User"; readonly apiGroup: string; readonly name: string }

export const bindingName = "sidecar"

const apiGroup = "rbac.authorization.k8s.io"

/** `user` is who the API server takes us for. */
export function roleBinding(owner: Owner, namespace: string, role: string, user: string): RoleBinding {
  return {
    apiVersion: `${apiGroup}/v1`,
    kind: "RoleBinding",
    metadata: metadata(owner, bindingName, namespace),
    roleRef: { apiGroup, kind: "ClusterRole", name: role },
    subjects: [subjectOf(user)],
  }
}

function subjectOf(user: string): Subject {
  const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user) ?? []
  return namespace && name ? { kind: "ServiceAccount", name, namespace } : { kind: "User", apiGroup, name: user }
}
