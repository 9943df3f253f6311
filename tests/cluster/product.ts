/**
 * The product with Kubernetes as its target: a real master, a real sidecar, real pods.
 *
 *     const product = await makeProduct("life")
 *     const tenant = await product.sell("acme")
 *     …
 *     await product.destroy()
 */
import { pickFree } from "../../scripts/lib/ports.ts"
import { sidecarSettings } from "../contract/kubernetes/settings.ts"
import { visitAt } from "../contract/kubernetes/visit.ts"
import { type Installation, makeInstallation, type Server } from "../helpers/installation.ts"
import { Master } from "../helpers/master.ts"
import { confirmQuotation, type TenantRow, waitForPhase } from "../helpers/sales.ts"
import type { Answer } from "../helpers/tenant.ts"
import { until } from "../helpers/wait.ts"
import { makeCluster, type TestCluster } from "./cluster.ts"
import { type Forward, forwardTo } from "./forward.ts"
import { makeSidecarAccount } from "./sidecar-account.ts"

/** With as few modules as may be: a template is built in each test's own world. */
export const planName = "Address Book"

export interface Product {
  readonly cluster: TestCluster
  readonly installation: Installation
  readonly master: Master
  /** The sidecar that everything is made with. */
  readonly atWork: Server
  /** One more, with these settings changed; not started yet. They have one port: stop the other one first. */
  another(name: string, changes?: Readonly<Record<string, string>>): Promise<Server>
  /** From the confirmed quotation to an Odoo that serves. */
  sell(slug: string): Promise<TenantRow>
  namespaceOf(tenant: TenantRow): string
  /** Through the ingress controller. */
  visit(slug: string, path?: string): Promise<Answer>
  destroy(): Promise<void>
}

/** Resolves with the template ready and a sidecar at work. */
export async function makeProduct(name: string): Promise<Product> {
  const cluster = await makeCluster(name)
  if (cluster.hostAddress === null || cluster.ingressAddress === null || cluster.tenantImage === null) {
    throw new Error("The cluster of KUBECONFIG does not say where its ingress and this machine are, or what to run.")
  }
  const installation = await makeInstallation(name, { parts: "master" })
  const forward = await forwardTo(installation.ports.postgres, cluster.hostAddress)
  const product = await productOf(cluster, installation, forward)
  try {
    await onePlan(product.master)
    await product.atWork.start()
    await until("the template is ready", () => templateReady(product.master), { seconds: 600, everyMs: 500 })
    return product
  } catch (error) {
    await product.destroy()
    throw error
  }
}

async function productOf(cluster: TestCluster, installation: Installation, forward: Forward): Promise<Product> {
  const prefix = `saas-${process.pid}-`
  const master = new Master(installation.master)
  // Not an administrator: what the manifests give the sidecar must be enough for all of this.
  const account = await makeSidecarAccount(cluster)
  const started: Server[] = []
  const pagesPort = await pickFree(31_000, 32_000)
  const settings = {
    ...sidecarSettings(cluster, forward, prefix, pagesPort),
    ...account.settings,
    KUBECONFIG: account.kubeconfig,
    SIDECAR_PORT: String(installation.ports.sidecar),
    LEASE_SECONDS: "3",
    POLL_SECONDS: "1",
  }
  const another = async (name: string, changes: Readonly<Record<string, string>> = {}) => {
    const server = await installation.anotherSidecar(name, { ...settings, ...changes })
    started.push(server)
    return server
  }
  return {
    cluster,
    installation,
    master,
    atWork: await another("kubernetes"),
    another,
    sell: async (slug) => {
      const { id } = await confirmQuotation(master, { slug, plan: planName })
      return await waitForPhase(master, id, "running")
    },
    namespaceOf: ({ ref }) => prefix + ref,
    visit: (slug, path = "/web/login") => visitAt(cluster.ingressAddress ?? "", `${slug}.localhost`, path),
    destroy: async () => {
      for (const server of started) await server.stop()
      const own = "--selector=app.kubernetes.io/managed-by=odoo-saas"
      await cluster.kubectl.try(["delete", "namespace", own, "--wait=false"])
      await account.remove()
      await cluster.stop()
      await forward.close()
      await installation.destroy()
    },
  }
}

/** A small one in the place of all others. */
async function onePlan(master: Master): Promise<void> {
  const plans = await master.search<{ id: number }>("product.template", [["is_saas_plan", "=", true]], ["id"])
  for (const { id } of plans) await master.write("product.template", id, { active: false })
  const values = { name: planName, type: "service", is_saas_plan: true, saas_module_names: "contacts" }
  await master.create("product.template", { ...values, saas_storage_mb: 1024 })
}

async function templateReady(master: Master): Promise<boolean> {
  const found = await master.search<{ state: string; message: string }>("saas.template", [], ["state", "message"])
  return found.some(({ state }) => state === "ready")
}
