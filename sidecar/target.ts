import type { Logger } from "pino"
import { type Config, relayOf, repository } from "./config.ts"
import type { Databases, Target, Templates } from "./drivers/driver.ts"
import type { LoopbackEndpoint } from "./drivers/process/endpoint.ts"
import { Layout } from "./drivers/process/layout.ts"
import { LogKeeper } from "./drivers/process/log-keeper.ts"
import { findOdoo } from "./drivers/process/odoo.ts"
import { openProcessTarget } from "./drivers/process/open.ts"
import type { ServerInfo, TargetInfo } from "./odoo/port.ts"
import { NginxRouter } from "./routing/router.ts"

export interface OpenTarget {
  readonly target: Target<LoopbackEndpoint>
  readonly databases: Databases
  readonly templates: Templates
  /** How it is, for the master and for /readyz. Starts what is in front of all tenants where it does not run. */
  readonly describe: () => Promise<TargetInfo>
  readonly servers: () => Promise<readonly ServerInfo[]>
  readonly logs: LogKeeper
}

/** The target that the settings speak of. */
export async function openTarget(config: Config, installation: () => string, log: Logger): Promise<OpenTarget> {
  const routers: NginxRouter[] = []
  const { target, databases, templates } = await openProcessTarget({
    name: config.SAAS_TARGET,
    server: config.SAAS_SERVER,
    stateDir: config.SAAS_STATE_DIR,
    repository,
    operator: {
      host: config.PG_HOST,
      port: config.PG_PORT,
      user: config.PG_OPERATOR,
      password: config.PG_OPERATOR_PASSWORD_FILE,
      database: config.PG_OPERATOR_DB,
    },
    postgresBin: config.PG_BIN ?? "",
    root: config.ROOT_KEY_FILE,
    odoo: await findOdoo({ python: config.ODOO_PYTHON, home: config.ODOO_HOME ?? "", bin: config.ODOO_BIN ?? "" }),
    relay: relayOf(config),
    network: config.TENANT_NETWORK,
    uidBase: config.TENANT_UID_BASE,
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
    logs: new LogKeeper({
      layout: new Layout(config.SAAS_STATE_DIR),
      tenantMb: config.TENANT_LOG_MB,
      otherMb: config.LOG_MB,
      log,
    }),
    describe: async () => {
      const [info, ...problems] = await Promise.all([target.describe(), ...routers.map(problemOf)])
      const notes = problems.filter((problem) => problem !== "")
      return { ...info, ready: info.ready && notes.length === 0, notes: [...info.notes, ...notes] }
    },
  }
}

async function problemOf(router: NginxRouter): Promise<string> {
  try {
    await router.start()
    return ""
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
