/** A tenant's filestore and sessions. */
import type { V1PersistentVolumeClaimSpec } from "@kubernetes/client-node"
import type { Limits } from "../../../domain/tenant.ts"
import { type KubeObject, metadata, type Owner } from "./object.ts"

export interface Claim extends KubeObject {
  readonly spec: V1PersistentVolumeClaimSpec
}

export const claimName = "data"

/** `storageClass` null: the cluster's default. One pod at a time writes to it. */
export function claim(owner: Owner, namespace: string, limits: Limits, storageClass: string | null): Claim {
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: metadata(owner, claimName, namespace),
    spec: {
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: `${limits.storageMb}Mi` } },
      ...(storageClass === null ? {} : { storageClassName: storageClass }),
    },
  }
}
