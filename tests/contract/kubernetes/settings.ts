/** What a test's cluster comes to for the driver. */
import type { KubernetesSettings } from "../../../sidecar/drivers/kubernetes/settings.ts"
import type { TestCluster } from "../../cluster/cluster.ts"
import type { Forward } from "../../cluster/forward.ts"

/** For tests that need no PostgreSQL. */
export function clusterSettings({ tenantImage, storageClass, ingressClass }: TestCluster): KubernetesSettings {
  return {
    prefix: "saas-test-",
    image: tenantImage ?? "",
    storageClass,
    ingressClass,
    callers: ["traefik"],
    callerNetworks: [],
    ingressAddress: null,
    https: false,
    certificates: null,
    pages: { reached: { host: "127.0.0.1", port: 1 }, port: 0 },
    databases: [
      { name: "local", address: { host: "127.0.0.1", port: 5432 }, networks: ["127.0.0.1/32"], namespaces: [] },
    ],
    databaseImage: null,
    tenantRole: null,
    relay: null,
  }
}

/** The same in the environment of a sidecar. */
export function sidecarSettings(cluster: TestCluster, postgres: Forward, prefix: string, pagesPort: number) {
  const host = cluster.hostAddress ?? ""
  return {
    TARGET_KIND: "kubernetes",
    TENANT_IMAGE: cluster.tenantImage ?? "",
    KUBE_NAMESPACE_PREFIX: prefix,
    KUBE_STORAGE_CLASS: cluster.storageClass ?? "",
    KUBE_INGRESS_CLASS: cluster.ingressClass,
    KUBE_INGRESS_ADDRESS: `${cluster.ingressAddress}:80`,
    KUBE_CALLER_NETWORKS: `${host}/24`,
    KUBE_PAGES_ADDRESS: `${host}:${pagesPort}`,
    KUBE_PAGES_PORT: String(pagesPort),
    KUBE_PG_ADDRESS: `${postgres.host}:${postgres.port}`,
  }
}
