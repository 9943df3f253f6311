import type { Logger } from "pino"
import { type Config, relayOf } from "./config.ts"
import { repository } from "./config-values.ts"
import type { Databases, Target, Templates } from "./drivers/driver.ts"
import type { ServiceEndpoint } from "./drivers/kubernetes/endpoint.ts"
import type { KubernetesSettings } from "./drivers/kubernetes/settings.ts"
import type { LoopbackEndpoint } from "./drivers/process/endpoint.ts"
import { Layout } from "./drivers/process/layout.ts"
import { LogKeeper } from "./drivers/process/log-keeper.ts"
import { findOdoo } from "./drivers/process/odoo.ts"
import { openProcessTarget } from "./drivers/process/open.ts"
import type { ServerInfo, TargetInfo } from "./odoo/port.ts"
import { NginxRouter } from "./routing/router.ts"
import { sharedServersOf } from "./shared-server-settings.ts"

export interface OpenTarget<E> {
  readonly target: Target<E>
  readonly databases: Databases
  readonly templates: Templates
  /** How it is. Starts what is in front of all tenants where it does not run. */
  readonly describe: () => Promise<TargetInfo>
  readonly servers: () => Promise<readonly ServerInfo[]>
  readonly logs: LogKeeper
}

type Open<E> = (config: Config, installation: () => string, log: Logger) => Promise<OpenTarget<E>>

/** The target that the settings speak of. Only who opened it knows how it names its endpoints. */
export const openTarget: Open<unknown> = (config, installation, log) =>
  config.TARGET_KIND === "kubernetes"
    ? openKubernetes(config, installation, log)
    : openProcess(config, installation, log)

export const openProcess: Open<LoopbackEndpoint> = async (config, installation, log) => {
  const routers: NginxRouter[] = []
  const { target, databases, templates } = await openProcessTarget({
    name: config.SAAS_TARGET,
    servers: sharedServersOf(config),
    stateDir: config.SAAS_STATE_DIR,
    repository,
    postgresBin: config.PG_BIN ?? "",
    root: config.ROOT_KEY_FILE,
    odoo: await findOdoo({ python: config.ODOO_PYTHON, home: config.ODOO_HOME ?? "", bin: config.ODOO_BIN ?? "" }),
    relay: relayOf(config),
    network: config.TENANT_NETWORK,
    uidBase: config.TENANT_UID_BASE,
    ownPorts: [config.HTTP_PORT, config.SIDECAR_PORT],
    clones: config.MAX_CLONES,
    installation,
    router: (guard, folder) => {
      const router = new NginxRouter({
        folder,
        guard,
        bin: config.NGINX_BIN,
        httpPort: config.HTTP_PORT,
        masterHost: config.MASTER_HOST,
        masterUpstream: config.MASTER_UPSTREAM,
        trustedProxies: config.TRUSTED_PROXIES,
        secureCookies: config.TENANT_URL_SCHEME === "https",
      })
      routers.push(router)
      return router
    },
    log,
  })
  return {
    target,
    databases,
    templates,
    servers: () => target.servers.describe(),
    logs: keeperOf(config, log),
    describe: async () => {
      const [info, ...problems] = await Promise.all([target.describe(), ...routers.map(problemOf)])
      const notes = problems.filter((problem) => problem !== "")
      const ready = info.ready && notes.length === 0
      return { ...info, ready, notes: [...info.notes, ...notes, ...mailNotes(config)] }
    },
  }
}

export const openKubernetes: Open<ServiceEndpoint> = async (config, installation, log) => {
  // Its libraries are large: who does not use them does without.
  const { openKubernetesTarget } = await import("./drivers/kubernetes/open.ts")
  const { target, databases, templates } = await openKubernetesTarget({
    name: config.SAAS_TARGET,
    servers: sharedServersOf(config),
    stateDir: config.SAAS_STATE_DIR,
    postgresBin: config.PG_BIN ?? "",
    root: config.ROOT_KEY_FILE,
    clones: config.MAX_CLONES,
    installation,
    settings: clusterOf(config),
    log,
  })
  return {
    target,
    databases,
    templates,
    servers: () => target.servers.describe(),
    describe: async () => {
      const info = await target.describe()
      return { ...info, notes: [...info.notes, ...mailNotes(config)] }
    },
    logs: keeperOf(config, log),
  }
}

function clusterOf(config: Config): KubernetesSettings {
  const at = (text: string) => {
    const [host = "", port] = text.split(":")
    return { host, port: Number(port) }
  }
  const pages = config.KUBE_PAGES_ADDRESS ?? ""
  return {
    prefix: config.KUBE_NAMESPACE_PREFIX,
    image: config.TENANT_IMAGE ?? "",
    storageClass: config.KUBE_STORAGE_CLASS,
    ingressClass: config.KUBE_INGRESS_CLASS,
    ingressAddress: config.KUBE_INGRESS_ADDRESS === null ? null : at(config.KUBE_INGRESS_ADDRESS),
    callers: config.KUBE_CALLERS,
    callerNetworks: config.KUBE_CALLER_NETWORKS,
    https: config.TENANT_URL_SCHEME === "https",
    certificates: config.KUBE_CERT_ISSUER
      ? { issuer: config.KUBE_CERT_ISSUER, domain: config.BASE_DOMAIN ?? "" }
      : null,
    pages: { reached: at(pages), port: config.KUBE_PAGES_PORT },
    databases: sharedServersOf(config).map(({ name, address, networks, namespaces }) => {
      return { name, address, networks, namespaces }
    }),
    databaseImage: config.KUBE_PG_IMAGE,
    tenantRole: config.KUBE_TENANT_ROLE,
    relay: relayOf(config),
  }
}

function keeperOf(config: Config, log: Logger): LogKeeper {
  const layout = new Layout(config.SAAS_STATE_DIR)
  return new LogKeeper({ layout, tenantMb: config.TENANT_LOG_MB, otherMb: config.LOG_MB, log })
}

/** For staff: inside the tenants only their administrators read of it, in the settings. */
function mailNotes(config: Config): string[] {
  if (relayOf(config) !== null) return []
  return ["No mail relay is set, so outgoing mail of all tenants waits. Set SMTP_HOST, then start the sidecar again."]
}

async function problemOf(router: NginxRouter): Promise<string> {
  try {
    await router.start()
    return ""
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
