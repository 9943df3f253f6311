/** A master that sells tenants of the cluster, its PostgreSQL on this machine, and a sidecar at work. */

import { pickFree } from "../../scripts/lib/ports.ts"
import { sidecarSocket } from "../../scripts/lib/sidecar.ts"
import type { TestCluster } from "../../tests/cluster/cluster.ts"
import { type Forward, forwardTo } from "../../tests/cluster/forward.ts"
import type { SidecarAccount } from "../../tests/cluster/sidecar-account.ts"
import { sidecarSettings } from "../../tests/contract/kubernetes/settings.ts"
import { type Installation, makeInstallation } from "../../tests/helpers/installation.ts"
import { Master } from "../../tests/helpers/master.ts"
import { until } from "../../tests/helpers/wait.ts"
import type { CleanUp } from "../lib/clean-up.ts"
import { Customers } from "../provision/customers.ts"

export interface Shop {
  readonly it: Installation
  readonly master: Master
  readonly customers: Customers
  /** PostgreSQL as pods see it. */
  readonly postgres: Forward
  /** Nothing of it runs any more, and nothing of its tenants. */
  close(): Promise<void>
}

interface ShopOptions {
  readonly cluster: TestCluster
  readonly account: SidecarAccount
  readonly cleanUp: CleanUp
  readonly note: (text: string) => void
}

export const shopPrefix = "saas-shop-"
const templateSeconds = 1200

export async function openShop({ cluster, account, cleanUp, note }: ShopOptions): Promise<Shop> {
  note("a master that sells")
  // Writes reach the disk, as they do where people rely on them.
  const making = makeInstallation("bench-kubernetes", { parts: "master", databaseTcp: true, durable: true })
  const removeInstallation = cleanUp.defer(async () => {
    const made = await making.catch(() => null)
    await made?.destroy()
  })
  const it = await making
  const postgres = await forwardTo(it.ports.postgres, cluster.hostAddress ?? "")
  const closeForward = cleanUp.defer(() => postgres.close())
  const sidecar = await it.anotherSidecar("kubernetes", {
    ...sidecarSettings(cluster, postgres, shopPrefix, await pickFree(31_000, 32_000)),
    ...account.settings,
    KUBECONFIG: account.kubeconfig,
    SIDECAR_PORT: String(it.ports.sidecar),
    SIDECAR_SOCKET: sidecarSocket(it.stateDir, "sidecar"),
  })
  const stopSidecar = cleanUp.defer(() => sidecar.stop())
  await sidecar.start()
  const master = new Master(it.master)
  note("the plan's template")
  await until("the plan's template is ready", () => isTemplateReady(master), {
    seconds: templateSeconds,
    everyMs: 500,
  })
  return {
    it,
    master,
    customers: new Customers(master),
    postgres,
    close: async () => {
      await stopSidecar()
      await cluster.kubectl.run(["delete", "namespace", "--selector=app.kubernetes.io/managed-by=odoo-saas"])
      await closeForward()
      await removeInstallation()
    },
  }
}

async function isTemplateReady(master: Master): Promise<boolean> {
  const found = await master.search<{ state: string; message: string }>("saas.template", [], ["state", "message"])
  return found.some(({ state }) => state === "ready")
}
