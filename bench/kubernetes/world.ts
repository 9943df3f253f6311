import type { TestCluster } from "../../tests/cluster/cluster.ts"
import type { SidecarAccount } from "../../tests/cluster/sidecar-account.ts"
import type { Shop } from "./shop.ts"

/** One that is ours, so that all of this is known of it. */
export interface MeasuredCluster extends TestCluster {
  readonly hostAddress: string
  readonly ingressAddress: string
  readonly tenantImage: string
  readonly auditLog: string
}

export interface World {
  readonly cluster: MeasuredCluster
  readonly account: SidecarAccount
  /** Made for the first part that sells something. */
  readonly shop: (note: (text: string) => void) => Promise<Shop>
  /** Nothing of it is in the way of what is measured next. */
  readonly closeShop: () => Promise<void>
}
