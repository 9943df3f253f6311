/** odoo.conf with the database password: the one place in the cluster where it is. */
import { type KubeObject, metadata, type Owner } from "./object.ts"

export interface Secret extends KubeObject {
  readonly type: "Opaque"
  readonly data: Readonly<Record<string, string>>
}

export const confSecret = "odoo-conf"

export function secret(owner: Owner, namespace: string, conf: string, name: string = confSecret): Secret {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: metadata(owner, name, namespace),
    type: "Opaque",
    data: { "odoo.conf": Buffer.from(conf).toString("base64") },
  }
}
