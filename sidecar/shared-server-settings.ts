/** What the settings say of the database servers. */
import { isIP } from "node:net"
import type { SharedServerSettings } from "./databases/servers.ts"
import type { FurtherServer } from "./servers-file.ts"

/** Those variables of config.ts that speak of them. */
export interface ServerVariables {
  readonly SAAS_SERVER: string
  readonly PG_HOST: string
  readonly PG_PORT: number
  readonly PG_OPERATOR: string
  readonly PG_OPERATOR_PASSWORD_FILE: string
  readonly PG_OPERATOR_DB: string
  readonly PG_MAX_TENANTS: number | null
  readonly PG_DISK_MB: number | null
  readonly PG_SERVERS_FILE: readonly FurtherServer[] | null
  readonly KUBE_PG_ADDRESS: string | null
  readonly KUBE_PG_NETWORKS: readonly string[]
  readonly KUBE_PG_NAMESPACES: readonly string[]
}

/** The database servers that many tenants share; the one at PG_HOST comes first. */
export function sharedServersOf(config: ServerVariables): [SharedServerSettings, ...SharedServerSettings[]] {
  const at = (text: string) => {
    const [host = "", number] = text.split(":")
    return { host, port: Number(number) }
  }
  const reached = config.KUBE_PG_ADDRESS ? at(config.KUBE_PG_ADDRESS) : { host: config.PG_HOST, port: config.PG_PORT }
  const first: SharedServerSettings = {
    name: config.SAAS_SERVER,
    operator: {
      host: config.PG_HOST,
      port: config.PG_PORT,
      user: config.PG_OPERATOR,
      password: config.PG_OPERATOR_PASSWORD_FILE,
      database: config.PG_OPERATOR_DB,
    },
    address: reached,
    ...placeOf(reached.host, config.KUBE_PG_NETWORKS, config.KUBE_PG_NAMESPACES),
    maxTenants: config.PG_MAX_TENANTS,
    diskMb: config.PG_DISK_MB,
  }
  const further = (config.PG_SERVERS_FILE ?? []).map((server): SharedServerSettings => {
    const { name, operator: user, password, operatorDatabase: database, maxTenants, diskMb } = server
    const reachedAt = at(server.tenantAddress ?? server.address)
    return {
      name,
      operator: { ...at(server.address), user, password, database },
      address: reachedAt,
      ...placeOf(reachedAt.host, server.networks, server.namespaces),
      maxTenants,
      diskMb,
    }
  })
  return [first, ...further]
}

/** Where nobody has said where a server is, its address is all that tenants are let through to. */
function placeOf(host: string, networks: readonly string[], namespaces: readonly string[]) {
  if (networks.length + namespaces.length > 0) return { networks, namespaces }
  return { networks: isIP(host) === 0 ? [] : [`${host}/${isIP(host) === 6 ? 128 : 32}`], namespaces }
}

/** Kubernetes' network policies know no host names. Sentences for whoever writes the settings. */
export function unplaced(servers: readonly SharedServerSettings[]): string[] {
  return servers
    .filter(({ networks, namespaces }) => networks.length + namespaces.length === 0)
    .map(
      ({ name, address }) =>
        `the database server ${name} is at ${address.host}, and network policies know no host names: say in which ` +
        "networks (KUBE_PG_NETWORKS, or networks in PG_SERVERS_FILE) or namespaces it is",
    )
}
