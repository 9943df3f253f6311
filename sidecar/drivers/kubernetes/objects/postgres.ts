/**
 * A PostgreSQL server of a tenant's own, in the tenant's namespace. Any image will do that has `initdb` and `postgres` on
 * its PATH. Another way to make one, such as CloudNativePG's `Cluster`, takes the place of `postgres` as long as its pod
 * carries the same labels and fingerprint and its service the same name.
 */
import type { V1Container, V1StatefulSetSpec } from "@kubernetes/client-node"
import type { Limits } from "../../../domain/tenant.ts"
import { type ClaimParts, claim } from "./claim.ts"
import { annotations, inventory, type KubeObject, labels, metadata, type Owner } from "./object.ts"
import { containerSecurity, podSecurity } from "./pod.ts"
import { postgresFiles } from "./postgres-files.ts"
import type { Secret } from "./secret.ts"
import type { Service } from "./service.ts"
import { accountName } from "./service-account.ts"

export interface StatefulSet extends KubeObject {
  readonly spec: V1StatefulSetSpec
}

export interface PostgresParts {
  readonly image: string
  readonly limits: Limits
  readonly storageClass: string | null
  /** Of a claim that is there already, or of the volume that a removed one has left. */
  readonly volume?: ClaimParts["fixed"]
  /** Of the role that owns the tenant's database there. */
  readonly operatorVerifier: string
  /** Of everything that asks for another start where it changes. */
  readonly fingerprint: string
}

/** Everything of it, in the order that it is applied in. */
export type PostgresBuilder = (owner: Owner, namespace: string, parts: PostgresParts) => readonly KubeObject[]

/** Also the name of its Service, and so the host that the tenant's Odoo connects to. */
export const postgresName = "postgres"
export const postgresPort = 5432
export const postgresClaim = "postgres"
/** Comes on top of what the plan gives to Odoo. */
export const postgresResources = { cpuMilli: 1000, memoryMb: 768 } as const

/** `postgres` in Docker's official image: initdb wants a user who has a name. */
const user = 999
const folder = "/var/lib/postgresql/data"
const filesFolder = "/etc/odoo-saas"
/** The first start makes the cluster; a later one may have to read the log of a crash. */
const startSeconds = 300
/** Beside the tenant's: our own looks and acts, and a person's. */
const ownConnections = 15

export function connectionsOf({ connections }: Limits): number {
  return connections + ownConnections
}

export const postgres: PostgresBuilder = (owner, namespace, parts) => [
  secret(owner, namespace, parts),
  claim(owner, namespace, { ...parts, name: postgresClaim, ...(parts.volume ? { fixed: parts.volume } : {}) }),
  service(owner, namespace),
  statefulSet(owner, namespace, parts),
]

function secret(owner: Owner, namespace: string, { operatorVerifier, limits }: PostgresParts): Secret {
  const files = postgresFiles({
    data: `${folder}/pgdata`,
    files: filesFolder,
    port: postgresPort,
    connections: connectionsOf(limits),
    operatorVerifier,
  })
  const data = Object.entries(files).map(([name, text]) => [name, Buffer.from(text).toString("base64")])
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: metadata(owner, postgresName, namespace),
    type: "Opaque",
    data: Object.fromEntries(data),
  }
}

function service(owner: Owner, namespace: string): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: metadata(owner, postgresName, namespace),
    spec: {
      type: "ClusterIP",
      selector: selectorOf(owner),
      ports: [{ name: "postgres", port: postgresPort, targetPort: postgresPort, protocol: "TCP" }],
    },
  }
}

function statefulSet(owner: Owner, namespace: string, { image, fingerprint }: PostgresParts): StatefulSet {
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: metadata(owner, postgresName, namespace),
    spec: {
      replicas: 1,
      serviceName: postgresName,
      selector: { matchLabels: selectorOf(owner) },
      template: {
        // No epoch in here: another claim alone must not start it anew.
        metadata: {
          labels: { ...inventory(owner), ...selectorOf(owner) },
          annotations: { [annotations.fingerprint]: fingerprint },
        },
        spec: {
          serviceAccountName: accountName,
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: 60,
          securityContext: podSecurity(user),
          containers: [container(image)],
          volumes: [
            { name: "tmp", emptyDir: { sizeLimit: "64Mi" } },
            { name: "data", persistentVolumeClaim: { claimName: postgresClaim } },
            { name: "files", secret: { secretName: postgresName, defaultMode: 0o440 } },
          ],
        },
      },
    },
  }
}

function container(image: string): V1Container {
  const { cpuMilli, memoryMb } = postgresResources
  const answers = { exec: { command: ["pg_isready", "-q", "-h", "127.0.0.1", "-p", String(postgresPort)] } }
  return {
    name: postgresName,
    image,
    command: ["sh", `${filesFolder}/start.sh`],
    ports: [{ name: "postgres", containerPort: postgresPort }],
    resources: {
      requests: { cpu: "100m", memory: "192Mi" },
      limits: { cpu: `${cpuMilli}m`, memory: `${memoryMb}Mi` },
    },
    securityContext: containerSecurity,
    startupProbe: { ...answers, periodSeconds: 1, failureThreshold: startSeconds, timeoutSeconds: 5 },
    readinessProbe: { ...answers, periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 3 },
    // SIGTERM alone would wait for Odoo to go first.
    lifecycle: { preStop: { exec: { command: ["sh", "-c", "kill -INT 1"] } } },
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts: [
      { name: "tmp", mountPath: "/tmp" },
      { name: "data", mountPath: folder },
      { name: "files", mountPath: filesFolder, readOnly: true },
    ],
  }
}

function selectorOf(owner: Owner): Record<string, string> {
  return { [labels.tenant]: owner.tenant, [labels.part]: postgresName }
}
