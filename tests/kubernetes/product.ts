/**
 * The product with Kubernetes as its target: a real master, a real sidecar, real pods.
 *
 *     const product = await makeProduct("life")
 *     const tenant = await product.sell("acme")
 *     …
 *     await product.destroy()
 */

import { pickFree } from "../../scripts/lib/ports.ts"
import { silent } from "../../scripts/lib/progress.ts"
import { readySnapshot } from "../../scripts/lib/ready-snapshot.ts"
import { sidecarSocket } from "../../scripts/lib/sidecar.ts"
import { takeTemplatesOver } from "../cluster/built-templates.ts"
import { type ClusterOptions, makeCluster, type TestCluster } from "../cluster/cluster.ts"
import { type Forward, forwardTo } from "../cluster/forward.ts"
import { makeSidecarAccount } from "../cluster/sidecar-account.ts"
import { sidecarSettings } from "../contract/kubernetes/settings.ts"
import { visitAt } from "../contract/kubernetes/visit.ts"
import { type Installation, makeInstallation, type Server } from "../helpers/installation.ts"
import { Master } from "../helpers/master.ts"
import { confirmQuotation, type TenantRow, waitForPhase } from "../helpers/sales.ts"
import type { Answer } from "../helpers/tenant.ts"
import { until } from "../helpers/wait.ts"

export interface ProductOptions extends ClusterOptions {
  /** Has the template built here, by a Job, and so with as few modules as may be; else one that was built before is used. */
  readonly builds?: boolean
}

export interface Product {
  readonly cluster: TestCluster
  readonly installation: Installation
  readonly master: Master
  /** The only one that is sold. */
  readonly plan: { readonly id: number; readonly name: string }
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
export async function makeProduct(
  name: string,
  { builds = false, policies = "ignored" }: ProductOptions = {},
): Promise<Product> {
  const cluster = await makeCluster(name, { policies })
  if (cluster.hostAddress === null || cluster.ingressAddress === null || cluster.tenantImage === null) {
    throw new Error("The cluster of KUBECONFIG does not say where its ingress and this machine are, or what to run.")
  }
  const installation = await makeInstallation(name, {
    parts: "master",
    databaseTcp: true,
    ...(builds ? {} : { startFrom: (places, odoo) => readySnapshot(odoo, places, silent) }),
  })
  if (!builds) await takeTemplatesOver(installation, cluster.tenantImage)
  const forward = await forwardTo(installation.ports.postgres, cluster.hostAddress)
  const master = new Master(installation.master)
  const plan = builds ? await smallPlan(master) : await builtPlan(master)
  const product = await productOf({ cluster, installation, forward, master, plan })
  try {
    await product.atWork.start()
    await until("the template is ready", () => templateReady(product.master), { seconds: 600, everyMs: 500 })
    return product
  } catch (error) {
    await product.destroy()
    throw error
  }
}

interface Parts extends Pick<Product, "cluster" | "installation" | "master" | "plan"> {
  readonly forward: Forward
}

async function productOf({ cluster, installation, forward, master, plan }: Parts): Promise<Product> {
  const prefix = `saas-${process.pid}-`
  // Not an administrator: what the manifests give the sidecar must be enough for all of this.
  const account = await makeSidecarAccount(cluster)
  const started: Server[] = []
  const pagesPort = await pickFree(31_000, 32_000)
  const settings = {
    ...sidecarSettings(cluster, forward, prefix, pagesPort),
    ...account.settings,
    KUBECONFIG: account.kubeconfig,
    SIDECAR_PORT: String(installation.ports.sidecar),
    SIDECAR_SOCKET: sidecarSocket(installation.stateDir, "sidecar"),
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
    plan,
    atWork: await another("kubernetes"),
    another,
    sell: async (slug) => {
      const { id } = await confirmQuotation(master, { slug, plan: plan.name })
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

/** In the place of all others. */
async function smallPlan(master: Master): Promise<Product["plan"]> {
  for (const { id } of await plansOf(master)) await master.write("product.template", id, { active: false })
  const name = "Address Book"
  const values = { name, type: "service", is_saas_plan: true, saas_module_names: "contacts", saas_storage_mb: 1024 }
  return { id: await master.create("product.template", values), name }
}

/** The one that the template was built for. */
async function builtPlan(master: Master): Promise<Product["plan"]> {
  const [plan] = await plansOf(master)
  if (!plan) throw new Error("The master that the test begins with has no plan.")
  await master.write("product.template", plan.id, { saas_storage_mb: 1024 })
  return plan
}

function plansOf(master: Master): Promise<Product["plan"][]> {
  return master.search("product.template", [["is_saas_plan", "=", true]], ["name"])
}

async function templateReady(master: Master): Promise<boolean> {
  const found = await master.search<{ state: string; message: string }>("saas.template", [], ["state", "message"])
  return found.some(({ state }) => state === "ready")
}
