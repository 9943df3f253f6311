/** A tenant's own namespace. The API server itself refuses pods in it that could do more than serve. */
import { type KubeObject, metadata, type Owner } from "./object.ts"

export function namespace(owner: Owner, name: string): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: metadata(owner, name, undefined, {
      labels: {
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/enforce-version": "latest",
        "pod-security.kubernetes.io/warn": "restricted",
      },
    }),
  }
}
