/** The account that a tenant's pods run as: it may nothing, and no token for it gets into a pod. */
import { type KubeObject, metadata, type Owner } from "./object.ts"

export interface ServiceAccount extends KubeObject {
  readonly automountServiceAccountToken: false
}

export const accountName = "odoo"

export function serviceAccount(owner: Owner, namespace: string): ServiceAccount {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: metadata(owner, accountName, namespace),
    automountServiceAccountToken: false,
  }
}
