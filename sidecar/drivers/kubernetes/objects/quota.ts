/** What a plan pays for, held by the API server: more can neither be asked for nor be had. */
import type { V1ResourceQuotaSpec } from "@kubernetes/client-node"
import type { DatabaseStrategy, Limits } from "../../../domain/tenant.ts"
import { type KubeObject, metadata, type Owner } from "./object.ts"
import { postgresResources } from "./postgres.ts"

export interface ResourceQuota extends KubeObject {
  readonly spec: V1ResourceQuotaSpec
}

export interface LimitRange extends KubeObject {
  readonly spec: {
    readonly limits: readonly {
      readonly type: "Container"
      readonly default: Readonly<Record<string, string>>
      readonly defaultRequest: Readonly<Record<string, string>>
    }[]
  }
}

/** Of the pod that packs the files for a backup, beside an Odoo that has not quite ended. */
export const helper = { cpuMilli: 500, memoryMb: 128 } as const

/** cert-manager's pods that prove customers' own domains, with the limits that it gives them by itself. */
const solvers = { pods: 2, cpuMilli: 200, memoryMb: 128 } as const

export interface QuotaParts {
  readonly limits: Limits
  /** A server of the tenant's own comes on top of what Odoo may have. */
  readonly database: DatabaseStrategy
  /** Whether cert-manager works here, too. */
  readonly certificates: boolean
}

export function resourceQuota(owner: Owner, namespace: string, parts: QuotaParts): ResourceQuota {
  const { limits, database, certificates } = parts
  const own = database === "dedicated"
  const others = [helper, ...(own ? [postgresResources] : []), ...(certificates ? [solvers] : [])]
  const sum = (field: "cpuMilli" | "memoryMb") => others.reduce((all, one) => all + one[field], 0)
  // Odoo twice: one that a node gives up is replaced before it has ended.
  const cpu = 2 * limits.cpuMilli + sum("cpuMilli")
  const memory = 2 * limits.memoryMb + sum("memoryMb")
  return {
    apiVersion: "v1",
    kind: "ResourceQuota",
    metadata: metadata(owner, "plan", namespace),
    spec: {
      hard: {
        "limits.cpu": `${cpu}m`,
        "limits.memory": `${memory}Mi`,
        "requests.storage": `${limits.storageMb * (own ? 2 : 1)}Mi`,
        persistentvolumeclaims: own ? "2" : "1",
        pods: String(3 + (own ? 1 : 0) + (certificates ? solvers.pods : 0)),
        "services.loadbalancers": "0",
        "services.nodeports": "0",
      },
    },
  }
}

/** Of containers that say nothing: without it a quota would refuse them. */
export function limitRange(owner: Owner, namespace: string): LimitRange {
  const small = { cpu: `${helper.cpuMilli}m`, memory: `${helper.memoryMb}Mi` }
  return {
    apiVersion: "v1",
    kind: "LimitRange",
    metadata: metadata(owner, "plan", namespace),
    spec: { limits: [{ type: "Container", default: small, defaultRequest: { cpu: "10m", memory: "32Mi" } }] },
  }
}
