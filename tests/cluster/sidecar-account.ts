/** The sidecar's own account as k8s/base makes it, and a kubeconfig of it: for tests that are not to be administrators. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { KubeConfig } from "@kubernetes/client-node"
import { until } from "../helpers/wait.ts"
import type { TestCluster } from "./cluster.ts"
import type { Kubectl, KubeObject } from "./kubectl.ts"
import { Manifests } from "./kustomize.ts"

export interface SidecarAccount {
  readonly kubeconfig: string
  /** Settings of a sidecar that works with it. */
  readonly settings: Readonly<Record<string, string>>
  /** Takes away what is the whole cluster's: others may go on working with it. */
  remove(): Promise<void>
}

const wanted = new Set([
  "Namespace",
  "ServiceAccount",
  "ClusterRole",
  "ClusterRoleBinding",
  "ValidatingAdmissionPolicy",
  "ValidatingAdmissionPolicyBinding",
])
const minutes = 120

export async function makeSidecarAccount({ kubectl, kubeconfig }: TestCluster): Promise<SidecarAccount> {
  await demandNoInstallation(kubectl)
  const manifests = new Manifests(kubectl)
  const objects = (await manifests.objects("base/control-plane")).filter(({ kind }) => wanted.has(kind))
  manifests.remove()
  await kubectl.apply(...objects)
  const asked = ["create", "token", "sidecar", "--namespace=odoo-saas", `--duration=${minutes}m`]
  const token = (await kubectl.run(asked)).trim()
  const folder = mkdtempSync(join(tmpdir(), "sidecar-account-"))
  const file = join(folder, "kubeconfig")
  writeFileSync(file, withToken(kubeconfig, token))
  chmodSync(file, 0o600)
  return {
    kubeconfig: file,
    settings: { KUBE_TENANT_ROLE: "odoo-saas-tenant" },
    remove: async () => {
      const list: KubeObject = { apiVersion: "v1", kind: "List", items: objects }
      await kubectl.try(["delete", "--ignore-not-found", "--wait=false", "-f", "-"], JSON.stringify(list))
      rmSync(folder, { recursive: true })
    },
  }
}

/** What tests make in `odoo-saas` they remove with all that is in it: it must not be somebody's master. */
export async function demandNoInstallation(kubectl: Kubectl): Promise<void> {
  const found = () => kubectl.get("namespace", "odoo-saas")
  // That of the test before may be on its way out.
  if ((await found())?.metadata.deletionTimestamp) {
    await until("the last namespace odoo-saas is gone", async () => (await found()) === null)
  }
  if ((await found()) === null) return
  throw new Error(
    "This cluster has a namespace odoo-saas, and tests make and remove one of that name. Name another cluster in KUBECONFIG.",
  )
}

/** The same cluster, as somebody else. */
function withToken(kubeconfig: string, token: string): string {
  const config = new KubeConfig()
  config.loadFromFile(kubeconfig)
  const cluster = config.getCurrentCluster()
  if (cluster === null) throw new Error(`${kubeconfig} names no cluster.`)
  const ca = cluster.caData ?? readFileSync(cluster.caFile ?? "").toString("base64")
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "it", cluster: { server: cluster.server, "certificate-authority-data": ca } }],
    users: [{ name: "sidecar", user: { token } }],
    contexts: [{ name: "it", context: { cluster: "it", user: "sidecar" } }],
    "current-context": "it",
  })
}
