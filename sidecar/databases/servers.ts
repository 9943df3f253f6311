/** The PostgreSQL servers that a sidecar works on. Each keeps the epochs of its own tenants: one that is away harms no other. */
import { PermanentError } from "../domain/errors.ts"
import type { TenantSpec } from "../domain/tenant.ts"
import type { Before, DatabaseAddress, Fence } from "../drivers/driver.ts"
import { Fencing } from "./fence.ts"
import { Operator, type OperatorSettings } from "./operator.ts"

export interface DatabaseServer {
  readonly operator: Operator
  readonly fencing: Fencing
}

export interface SharedServerSettings {
  readonly name: string
  readonly operator: OperatorSettings
  /** As tenants reach it. */
  readonly address: DatabaseAddress
  /** Networks that it is in, for the rules that let tenants reach it. */
  readonly networks: readonly string[]
  /** Namespaces that it is in, where it runs as pods of the tenants' cluster. */
  readonly namespaces: readonly string[]
  /** More are refused, whatever connections there are; null: as many as those are enough for. */
  readonly maxTenants: number | null
  /** Size of its disk, or null where nobody has said. */
  readonly diskMb: number | null
}

export interface SharedServer extends DatabaseServer, Omit<SharedServerSettings, "operator"> {}

/** Whose database, and where. */
export type Home = Pick<TenantSpec, "id" | "server" | "database">

/** Finds the server of a tenant that has one of its own. Throws a RetryableError while that does not serve. */
export type FindDedicated = (home: Home, shared: SharedServer) => Promise<DatabaseServer>

const noDedicated: FindDedicated = async () => {
  throw new PermanentError("This target makes no database servers for single tenants. Choose another plan or target.")
}

export class Servers {
  readonly shared: readonly SharedServer[]
  readonly #dedicated: FindDedicated

  constructor(settings: readonly SharedServerSettings[], dedicated: FindDedicated = noDedicated) {
    this.shared = settings.map((one) => {
      const operator = new Operator(one.operator)
      return { ...one, operator, fencing: new Fencing(operator) }
    })
    this.#dedicated = dedicated
  }

  /** The one that a tenant's database is on. */
  async of(home: Home): Promise<DatabaseServer> {
    const shared = this.named(home.server)
    return home.database === "dedicated" ? await this.#dedicated(home, shared) : shared
  }

  /** Throws a PermanentError for one that this sidecar was not told of. */
  named(name: string): SharedServer {
    const found = this.shared.find((server) => server.name === name)
    if (found) return found
    throw unknownServer(name)
  }

  /**
   * Always on the shared server of that name, for a tenant with one of its own, too: a claim is fenced before there is
   * such a server, while it is asleep and after it is gone, and objects and files are guarded by the same epoch. What acts
   * on a server of its own is held to both: it asks here first, and keeps an epoch there (`Fencing`'s `before`). So the
   * tenant serves while the lending server is away, and is changed when that is back.
   */
  async raise(fence: Fence): Promise<Before> {
    return await this.named(fence.server).fencing.raise(fence)
  }

  async settle(fence: Fence): Promise<void> {
    await this.named(fence.server).fencing.settle(fence)
  }

  /** Throws `StaleEpoch` where a younger claim has been at work; for acts outside of PostgreSQL. */
  async check(fence: Fence): Promise<void> {
    await this.named(fence.server).fencing.check(fence)
  }

  async close(): Promise<void> {
    await Promise.all(this.shared.map(({ operator }) => operator.close()))
  }
}

export function unknownServer(name: string): PermanentError {
  return new PermanentError(
    `This sidecar does not know the database server ${name}. Name it in PG_SERVERS_FILE, start the sidecar anew and retry.`,
  )
}

/** Only checks epochs: what acts on files, objects and routes. */
export type Guard = Pick<Servers, "check">
