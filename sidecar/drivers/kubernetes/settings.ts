import type { Relay } from "../../domain/odoo-conf.ts"
import type { DatabaseAddress } from "../driver.ts"
import type { Address } from "./objects/service.ts"

/** cert-manager's, for the customers' own domains; null: the ingress controller's own certificate is shown for them, too. */
export interface Certificates {
  /** Name of the ClusterIssuer. */
  readonly issuer: string
  /** Hosts right under it are covered by the controller's own certificate, which is a wildcard. */
  readonly domain: string
}

/** What an operator decides about a cluster. */
export interface KubernetesSettings {
  /** Every namespace of ours begins with it. */
  readonly prefix: string
  /** Odoo with runtime/ and saas_tenant in it, pinned: templates are named after it. */
  readonly image: string
  /** null: the cluster's default one. */
  readonly storageClass: string | null
  readonly ingressClass: string
  /** Namespaces whose pods may ask tenants: the ingress controller's, the sidecar's. */
  readonly callers: readonly string[]
  /** Networks that may ask tenants: the nodes', the sidecar's where it runs outside. */
  readonly callerNetworks: readonly string[]
  /** Where the ingress controller answers; null: what it writes into an Ingress. */
  readonly ingressAddress: Address | null
  readonly https: boolean
  readonly certificates: Certificates | null
  /** The sidecar's pages of tenants that are not up: where the ingress controller reaches them, and where we listen. */
  readonly pages: { readonly reached: Address; readonly port: number }
  /** Shared PostgreSQL servers as pods see them, and the networks or, where they are pods, the namespaces that they are in. */
  readonly databases: readonly {
    readonly name: string
    readonly address: DatabaseAddress
    readonly networks: readonly string[]
    readonly namespaces: readonly string[]
  }[]
  /** PostgreSQL of tenants that have a server of their own; null: none has. */
  readonly databaseImage: string | null
  /** ClusterRole that the sidecar binds to itself in its namespaces; null: its account has the rights everywhere. */
  readonly tenantRole: string | null
  readonly relay: Relay | null
}
