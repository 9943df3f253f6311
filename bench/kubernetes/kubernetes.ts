/** Tenants as real pods, and two thousand of them as objects only, on a cluster that is made for it. */
import { makeCluster } from "../../tests/cluster/cluster.ts"
import { makeSidecarAccount } from "../../tests/cluster/sidecar-account.ts"
import { benchmark, type Session } from "../lib/benchmark.ts"
import { confirmToLogin } from "./confirm-to-login.ts"
import { installJob } from "./install-job.ts"
import { resync } from "./resync.ts"
import { openShop, type Shop } from "./shop.ts"
import type { World } from "./world.ts"

async function open(session: Session): Promise<World> {
  const { cleanUp } = session
  const making = makeCluster("bench")
  cleanUp.defer(async () => {
    // One that could not be made has removed itself.
    const made = await making.catch(() => null)
    await made?.stop()
  })
  const cluster = await making
  const { hostAddress, ingressAddress, tenantImage, auditLog } = cluster
  if (hostAddress === null || ingressAddress === null || tenantImage === null || auditLog === null) {
    throw new Error("This measures on a cluster of its own only, whose API server it can count at: unset KUBECONFIG.")
  }
  // Not an administrator: binding its own rights in every namespace is part of what is measured.
  const account = await makeSidecarAccount(cluster)
  cleanUp.defer(() => account.remove())
  let shop: Promise<Shop> | null = null
  return {
    cluster: { ...cluster, hostAddress, ingressAddress, tenantImage, auditLog },
    account,
    shop: (note) => {
      shop ??= openShop({ cluster, account, cleanUp, note })
      return shop
    },
    closeShop: async () => (await shop)?.close(),
  }
}

export const kubernetes = benchmark("kubernetes", open, {
  "confirm-to-login": confirmToLogin,
  "install-job": installJob,
  // Last: it lets the real node and the ingress controller rest.
  resync,
})
