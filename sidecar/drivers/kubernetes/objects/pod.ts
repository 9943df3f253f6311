/** What all pods of ours are held to, whatever runs in them: the restricted standard, a root nobody writes to. */
import type { V1Container, V1PodSecurityContext, V1PodSpec } from "@kubernetes/client-node"
import type { Limits } from "../../../domain/tenant.ts"
import { accountName } from "./service-account.ts"

/** Numeric, as `runAsNonRoot` wants it. The same for all: what keeps tenants apart is the namespace. */
export const user = 10_101

/** Where things are in the image (runtime/ and saas_tenant of this project, on top of an image of Odoo). */
export const places = {
  python: "/usr/bin/python3",
  runtime: "/opt/odoo-saas/runtime",
  addons: "/opt/odoo-saas/addons",
  /** Debian's, which the official image has too. */
  odooAddons: ["/usr/lib/python3/dist-packages/odoo/addons", "/usr/lib/python3/dist-packages/addons"],
  conf: "/etc/odoo-saas/odoo.conf",
  data: "/var/lib/odoo",
  /** In a volume of its own there may be a lost+found beside it. */
  filestore: "/var/lib/odoo/data",
} as const

export const containerSecurity: NonNullable<V1Container["securityContext"]> = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
}

export interface PodParts {
  readonly containers: readonly V1Container[]
  readonly initContainers?: readonly V1Container[]
  /** Name of the secret with odoo.conf; null where nobody reads one. */
  readonly conf: string | null
  /** Name of the claim that is mounted at `places.data`; null: a folder that ends with the pod. */
  readonly claim: string | null
  readonly restartPolicy: "Always" | "Never"
  readonly graceSeconds: number
}

export function podSpec(parts: PodParts): V1PodSpec {
  return {
    serviceAccountName: accountName,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    restartPolicy: parts.restartPolicy,
    terminationGracePeriodSeconds: parts.graceSeconds,
    securityContext: podSecurity(user),
    ...(parts.initContainers ? { initContainers: [...parts.initContainers] } : {}),
    containers: [...parts.containers],
    volumes: [
      { name: "tmp", emptyDir: { sizeLimit: "1Gi" } },
      { name: "data", ...(parts.claim ? { persistentVolumeClaim: { claimName: parts.claim } } : { emptyDir: {} }) },
      ...(parts.conf ? [{ name: "conf", secret: { secretName: parts.conf, defaultMode: 0o440 } }] : []),
    ],
  }
}

/** Restricted pod security, as a user who owns the volumes. */
export function podSecurity(user: number): V1PodSecurityContext {
  return {
    runAsNonRoot: true,
    runAsUser: user,
    runAsGroup: user,
    fsGroup: user,
    // What has much in it is not gone through at every start.
    fsGroupChangePolicy: "OnRootMismatch",
    seccompProfile: { type: "RuntimeDefault" },
  }
}

export interface ContainerParts {
  readonly name: string
  readonly image: string
  /** After the interpreter. */
  readonly args: readonly string[]
  readonly limits: Pick<Limits, "cpuMilli" | "memoryMb">
  readonly conf: boolean
}

export function pythonContainer({ name, image, args, limits, conf }: ContainerParts): V1Container {
  return {
    name,
    image,
    command: [places.python],
    args: [...args],
    workingDir: places.data,
    env: [
      { name: "HOME", value: places.data },
      { name: "LANG", value: "C.UTF-8" },
      { name: "PYTHONDONTWRITEBYTECODE", value: "1" },
      { name: "PYTHONUNBUFFERED", value: "1" },
      { name: "PYTHONPATH", value: places.runtime },
    ],
    resources: resources(limits),
    securityContext: containerSecurity,
    // Its last lines are what a person wants to read where it does not start.
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts: [
      { name: "tmp", mountPath: "/tmp" },
      { name: "data", mountPath: places.data },
      ...(conf ? [{ name: "conf", mountPath: "/etc/odoo-saas", readOnly: true }] : []),
    ],
  }
}

/** An idle Odoo takes a tenth of a processor at most and some 250 MB: that much is kept for it, the rest is shared. */
function resources({ cpuMilli, memoryMb }: Pick<Limits, "cpuMilli" | "memoryMb">) {
  return {
    requests: { cpu: `${Math.min(100, cpuMilli)}m`, memory: `${Math.min(256, memoryMb)}Mi` },
    limits: { cpu: `${cpuMilli}m`, memory: `${memoryMb}Mi` },
  }
}
