/** The Kubernetes driver on a real cluster: real pods, a real ingress controller, PostgreSQL on this machine. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { pino } from "pino"
import { pickFree } from "../../../scripts/lib/ports.ts"
import { readConfig } from "../../../sidecar/config.ts"
import type { TenantId } from "../../../sidecar/domain/tenant.ts"
import type { ServiceEndpoint } from "../../../sidecar/drivers/kubernetes/endpoint.ts"
import { openKubernetes } from "../../../sidecar/target.ts"
import { takeTemplatesOver } from "../../cluster/built-templates.ts"
import { makeCluster, type TestCluster } from "../../cluster/cluster.ts"
import { type Forward, forwardTo } from "../../cluster/forward.ts"
import { makeSidecarAccount } from "../../cluster/sidecar-account.ts"
import { type Installation, makeInstallation } from "../../helpers/installation.ts"
import { until } from "../../helpers/wait.ts"
import { looksInto } from "../conformance/own-postgres.ts"
import { type Driver, fenceOf, installationId, template, type World } from "../conformance/world.ts"
import { templateSnapshot } from "../process/world.ts"
import { sidecarSettings } from "./settings.ts"
import { visitAt } from "./visit.ts"

export interface KubernetesWorld extends World<ServiceEndpoint> {
  readonly installation: Installation
  readonly cluster: TestCluster
  readonly prefix: string
  /** The shared PostgreSQL as pods see it. */
  readonly shared: Pick<Forward, "host" | "port">
}

/** `more`: settings of the sidecar beside those that every world has. */
export async function makeKubernetesWorld(
  name = "driver",
  more: (cluster: TestCluster) => Promise<Readonly<Record<string, string>>> = async () => ({}),
): Promise<KubernetesWorld> {
  const cluster = await makeCluster(name)
  const { hostAddress, ingressAddress, tenantImage } = cluster
  if (hostAddress === null || ingressAddress === null || tenantImage === null) {
    throw new Error("The cluster of KUBECONFIG does not say where its ingress and this machine are, or what to run.")
  }
  const prefix = `saas-${process.pid}-`
  const opened: Driver<ServiceEndpoint>[] = []
  // What a Job builds is tried where a tenant's whole life is (life.test.ts).
  const installation = await makeInstallation("kubernetes", {
    parts: "database",
    databaseTcp: true,
    startFrom: (places, odoo) => templateSnapshot(odoo, places),
  })
  await takeTemplatesOver(installation, tenantImage)
  // Not an administrator: what the manifests give the sidecar must be enough for all of this.
  const account = await makeSidecarAccount(cluster)
  const postgres = await forwardTo(installation.ports.postgres, hostAddress)
  const destroy = async () => {
    for (const { target, databases } of opened) {
      await target.close()
      await databases.close()
    }
    const own = "--selector=app.kubernetes.io/managed-by=odoo-saas"
    await cluster.kubectl.try(["delete", "namespace", own, "--wait=false"])
    await account.remove()
    await cluster.stop()
    await postgres.close()
    await installation.destroy()
  }
  const pagesPort = await pickFree(31_000, 32_000)
  const further = await more(cluster)
  const open = async () => {
    process.env.KUBECONFIG = account.kubeconfig
    // In production one address stands for all sidecars; here it is the first one's, which stays.
    const ownPort = opened.length === 0 ? pagesPort : await pickFree(pagesPort + 1, 32_000)
    const settings = { ...sidecarSettings(cluster, postgres, prefix, pagesPort), KUBE_PAGES_PORT: String(ownPort) }
    const environment = installation.sidecarEnv({ ...settings, ...account.settings, ...further })
    const driver = await openKubernetes(readConfig(environment), () => installationId, pino({ level: "silent" }))
    opened.push(driver)
    return driver
  }
  try {
    const driver = await open()
    await driver.templates.build(template, fenceOf(`tpl_${template.key}`))
    return worldOf({ installation, cluster, prefix, shared: postgres, driver, another: open, destroy })
  } catch (error) {
    await destroy()
    throw error
  }
}

function worldOf(
  parts: Pick<KubernetesWorld, "installation" | "cluster" | "prefix" | "shared" | "driver" | "another" | "destroy">,
): KubernetesWorld {
  const { installation, cluster, prefix } = parts
  const podOf = async (tenant: TenantId) => {
    const pods = await cluster.kubectl.list("pods", `${prefix}${tenant}`)
    return pods.find(({ metadata }) => metadata.labels["odoo-saas/part"] === "odoo") ?? null
  }
  return {
    ...parts,
    template,
    domain: "example.test",
    visit: (host, path, options = {}) => visitAt(cluster.ingressAddress ?? "", host, path, options),
    incarnation: async (tenant) => {
      const pod = await podOf(tenant)
      const [status] = pod?.status.containerStatuses ?? []
      return status?.state?.running ? `${status.containerID}` : null
    },
    crash: async (tenant) => {
      const pod = await podOf(tenant)
      if (pod === null) throw new Error(`${tenant} does not run`)
      const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && isOdooOf(name, pod.metadata.uid))
      if (pids.length === 0) throw new Error(`no process of ${tenant} is seen on this machine`)
      for (const pid of pids) process.kill(Number(pid), "SIGKILL")
      await until("it is gone", async () => pids.every((pid) => !existsSync(join("/proc", pid))), { seconds: 5 })
    },
    ...looksInto(installation),
  }
}

function isOdooOf(pid: string, podUid: string): boolean {
  try {
    const isOurs = readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(podUid)
    return isOurs && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("launch.py")
  } catch {
    // It ended between being listed and being read.
    return false
  }
}
