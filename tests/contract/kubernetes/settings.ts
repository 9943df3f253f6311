/** What a test's cluster comes to for the driver, for tests that need no PostgreSQL. */
import type { KubernetesSettings } from "../../../sidecar/drivers/kubernetes/settings.ts"
import type { TestCluster } from "../../cluster/cluster.ts"

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
    pages: { reached: { host: "127.0.0.1", port: 1 }, port: 0 },
    database: { host: "127.0.0.1", port: 5432 },
    databaseNetworks: ["127.0.0.1/32"],
    databaseNamespaces: [],
    tenantRole: null,
    relay: null,
  }
}
