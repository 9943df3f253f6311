/** Where a tenant's pods find PostgreSQL, and what network policies have to let through for that. */
import { unknownServer } from "../../databases/servers.ts"
import type { TenantSpec } from "../../domain/tenant.ts"
import type { DatabaseAddress } from "../driver.ts"
import { postgresName, postgresPort } from "./objects/postgres.ts"
import type { KubernetesSettings } from "./settings.ts"

export interface Reach {
  /** False: in the same namespace, which its policies let through anyway. */
  readonly shared: boolean
  readonly address: DatabaseAddress
  readonly networks: readonly string[]
  readonly namespaces: readonly string[]
}

export function reachOf(settings: KubernetesSettings, spec: Pick<TenantSpec, "server" | "database">): Reach {
  if (spec.database === "dedicated") {
    return { shared: false, address: { host: postgresName, port: postgresPort }, networks: [], namespaces: [] }
  }
  const found = settings.databases.find(({ name }) => name === spec.server)
  if (found) return { ...found, shared: true }
  throw unknownServer(spec.server)
}
