/** Where a claim's data lies. Made by a provisioner, or beforehand by the operator; never by us. */
import type { V1PersistentVolumeSpec, V1PersistentVolumeStatus } from "@kubernetes/client-node"
import type { KubeObject } from "./object.ts"

export interface Volume extends KubeObject {
  readonly spec: V1PersistentVolumeSpec
  readonly status?: V1PersistentVolumeStatus
}

/** A volume that was made by hand is taken away by hand: nobody in the cluster knows how. */
export function isProvisioned({ metadata }: Volume): boolean {
  return metadata.annotations?.["pv.kubernetes.io/provisioned-by"] !== undefined
}
