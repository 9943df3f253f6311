/** A pod that stands for a tenant's Odoo in the isolation check: it listens where an Odoo would, and can be asked to call. */
import type { V1PodSpec } from "@kubernetes/client-node"
import { odooName, odooPort } from "./deployment.ts"
import { type KubeObject, labels, metadata, type Owner } from "./object.ts"
import { podSpec, pythonContainer } from "./pod.ts"
import { helper } from "./quota.ts"

export const probeName = "probe"

/** A tenant's id begins with another letter. */
export const probeTenant = "probe"

export interface Probe extends KubeObject {
  readonly spec: V1PodSpec
}

export function probe(owner: Owner, namespace: string, image: string): Probe {
  const args = ["-m", "http.server", String(odooPort), "--directory", "/tmp"]
  const container = {
    ...pythonContainer({ name: probeName, image, args, limits: helper, conf: false }),
    // What does not listen yet must not be taken for what is shut.
    readinessProbe: { tcpSocket: { port: odooPort }, periodSeconds: 1, failureThreshold: 60 },
  }
  return {
    apiVersion: "v1",
    kind: "Pod",
    // The policies hold it to what they hold an Odoo to.
    metadata: metadata(owner, probeName, namespace, { labels: { [labels.part]: odooName } }),
    spec: podSpec({ containers: [container], conf: null, claim: null, restartPolicy: "Never", graceSeconds: 1 }),
  }
}
