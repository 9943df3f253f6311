/** A tenant's Odoo: one pod, started from runtime/launch.py, replaced whole. */
import type { V1Container, V1DeploymentSpec, V1DeploymentStatus } from "@kubernetes/client-node"
import type { Limits } from "../../../domain/tenant.ts"
import { claimName } from "./claim.ts"
import { annotations, inventory, type KubeObject, labels, metadata, type Owner } from "./object.ts"
import { places, podSpec, pythonContainer } from "./pod.ts"
import { probes, probesOfWorkers, startSeconds } from "./probes.ts"
import { confSecret } from "./secret.ts"
import { websocketContainer, websocketName, workersShare } from "./websocket.ts"

export interface Deployment extends KubeObject {
  readonly spec: V1DeploymentSpec
  readonly status?: V1DeploymentStatus
}

export const odooName = "odoo"
export const odooPort = 8069

/** Routers and kube-proxy hear of a stop a moment after the pod does: it goes on serving for so long. */
const divertSeconds = 2
/** Requests in flight get ten of them (runtime/servers), threads and connections the rest. */
const stopSeconds = 25

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
  const lifecycle = { preStop: { sleep: { seconds: divertSeconds } } }
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
            containers: containers(image, limits).map((container) => ({ ...container, lifecycle })),
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

function containers(image: string, limits: Limits): V1Container[] {
  const hasWorkers = limits.workers > 0
  const odoo = {
    ...pythonContainer({
      name: odooName,
      image,
      args: [`${places.runtime}/launch.py`, "-c", places.conf],
      limits: hasWorkers ? workersShare(limits) : limits,
      conf: true,
    }),
    ports: [{ name: "http", containerPort: odooPort }],
    ...(hasWorkers ? probesOfWorkers(odooPort) : probes(odooPort)),
  }
  return hasWorkers ? [odoo, websocketContainer(image, limits)] : [odoo]
}

/** Whether it is not somebody else's addition to the pod. */
export function isOurContainer({ name }: { readonly name: string }): boolean {
  return name === odooName || name === websocketName
}
