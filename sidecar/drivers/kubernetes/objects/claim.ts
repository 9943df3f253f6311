/** A tenant's filestore and sessions. */
import type { V1PersistentVolumeClaimSpec } from "@kubernetes/client-node"
import type { Limits } from "../../../domain/tenant.ts"
import { type KubeObject, metadata, type Owner } from "./object.ts"

export interface Claim extends KubeObject {
  readonly spec: V1PersistentVolumeClaimSpec
}

export const claimName = "data"

export interface ClaimParts {
  /** Of the filestore where nothing else is said. */
  readonly name?: string
  readonly limits: Pick<Limits, "storageMb">
  /** null: the cluster's default. */
  readonly storageClass: string | null
  /** Of one that is there, none of which can be changed; or of the volume that it is to have. */
  readonly fixed?: Partial<Pick<V1PersistentVolumeClaimSpec, "volumeName" | "storageClassName" | "resources">>
}

/** One pod at a time writes to it. */
export function claim(owner: Owner, namespace: string, parts: ClaimParts): Claim {
  const { name = claimName, limits, storageClass, fixed = {} } = parts
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: metadata(owner, name, namespace),
    spec: {
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: `${limits.storageMb}Mi` } },
      ...(storageClass === null ? {} : { storageClassName: storageClass }),
      ...fixed,
    },
  }
}
