/** A pod that lends a tenant's files to a backup while its Odoo is stopped. */
import type { V1PodSpec } from "@kubernetes/client-node"
import { claimName } from "./claim.ts"
import { type KubeObject, labels, metadata, type Owner } from "./object.ts"
import { podSpec, pythonContainer } from "./pod.ts"
import { helper } from "./quota.ts"

export const packerName = "packer"

export interface Packer extends KubeObject {
  readonly spec: V1PodSpec
}

export function packer(owner: Owner, namespace: string, image: string): Packer {
  const wait = pythonContainer({
    name: packerName,
    image,
    args: ["-c", "import signal; signal.sigwait([signal.SIGTERM])"],
    limits: helper,
    conf: false,
  })
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: metadata(owner, packerName, namespace, { labels: { [labels.part]: packerName } }),
    spec: podSpec({ containers: [wait], conf: null, claim: claimName, restartPolicy: "Never", graceSeconds: 1 }),
  }
}
