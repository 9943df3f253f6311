/** A tenant's Odoo: one pod, started from runtime/launch.py, replaced whole. */
import type { V1DeploymentSpec, V1DeploymentStatus } from "@kubernetes/client-node"
import type { Limits } from "../../../domain/tenant.ts"
import { claimName } from "./claim.ts"
import { annotations, inventory, type KubeObject, labels, metadata, type Owner } from "./object.ts"
import { places, podSpec, pythonContainer } from "./pod.ts"
import { confSecret } from "./secret.ts"

export interface Deployment extends KubeObject {
  readonly spec: V1DeploymentSpec
  readonly status?: V1DeploymentStatus
}

export const odooName = "odoo"
export const odooPort = 8069

const health = { path: "/web/health", port: odooPort }
/** Without the database it serves nobody. */
export const readyPath = `${health.path}?db_server_status=1`

/** Routers and kube-proxy hear of a stop a moment after the pod does: it goes on serving for so long. */
const divertSeconds = 2
/** Requests in flight get ten of them (runtime/launch.py), threads and connections the rest. */
const stopSeconds = 25
/** On a machine where many start at once. */
const startSeconds = 180

export interface DeploymentParts {
  readonly image: string
  readonly limits: Limits
  /** Of everything that asks for another start where it changes. */
  readonly fingerprint: string
  readonly running: boolean
}

export function deployment(owner: Owner, namespace: string, parts: DeploymentParts): Deployment {
  const { image, limits, fingerprint, running } = parts
  const selector = { [labels.tenant]: owner.tenant, [labels.part]: odooName }
  const container = pythonContainer({
    name: odooName,
    image,
    args: [`${places.runtime}/launch.py`, "-c", places.conf],
    limits,
    conf: true,
  })
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: metadata(owner, odooName, namespace, { annotations: { [annotations.fingerprint]: fingerprint } }),
    spec: {
      replicas: running ? 1 : 0,
      // Two of them would write to one volume.
      strategy: { type: "Recreate" },
      revisionHistoryLimit: 1,
      progressDeadlineSeconds: startSeconds,
      selector: { matchLabels: selector },
      template: {
        // No epoch in here: another claim alone must not start it anew.
        metadata: {
          labels: { ...inventory(owner), ...selector },
          annotations: { [annotations.fingerprint]: fingerprint },
        },
        spec: {
          ...podSpec({
            containers: [
              {
                ...container,
                ports: [{ name: "http", containerPort: odooPort }],
                startupProbe: { httpGet: health, periodSeconds: 1, failureThreshold: startSeconds, timeoutSeconds: 2 },
                // Starting it anew would help nobody who waits for a database.
                readinessProbe: {
                  httpGet: { ...health, path: readyPath },
                  periodSeconds: 5,
                  timeoutSeconds: 5,
                  failureThreshold: 3,
                },
                livenessProbe: { httpGet: health, periodSeconds: 20, timeoutSeconds: 10, failureThreshold: 6 },
                lifecycle: { preStop: { sleep: { seconds: divertSeconds } } },
              },
            ],
            conf: confSecret,
            claim: claimName,
            restartPolicy: "Always",
            graceSeconds: divertSeconds + stopSeconds,
          }),
          // So that the loss of one node takes few tenants of a kind.
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: "kubernetes.io/hostname",
              whenUnsatisfiable: "ScheduleAnyway",
              labelSelector: { matchLabels: { [labels.part]: odooName } },
            },
          ],
        },
      },
    },
  }
}
