/** The database servers that many tenants share: looked at, never made. */
import { PermanentError } from "../domain/errors.ts"
import type { SeenServer } from "../domain/plan.ts"
import type { TenantSpec } from "../domain/tenant.ts"
import type { DatabaseServers } from "../drivers/driver.ts"
import type { ServerInfo } from "../odoo/port.ts"
import { type Budget, budget } from "./budget.ts"
import type { Servers, SharedServer } from "./servers.ts"

export interface Disk {
  readonly freeMb: number
  /** 0 where nobody knows it. */
  readonly totalMb: number
}

export interface SharedServersOptions {
  readonly target: string
  readonly servers: Servers
  /** The disk of one that is on this machine; null: what is known of it is in the settings. */
  readonly disk?: (server: SharedServer) => Promise<Disk | null>
}

/** Looked up for each hello otherwise, and PostgreSQL asks the file system for every file of every database. */
const measuredMs = 600_000
const lowDiskMb = 2_048
const unknown: Budget = { maxConnections: 0, maxDatabases: 0, databases: 0, promisedConnections: 0, connections: 0 }

export class SharedServers implements DatabaseServers {
  readonly #options: SharedServersOptions
  readonly #measured = new Map<string, { readonly at: number; readonly usedMb: number }>()

  constructor(options: SharedServersOptions) {
    this.#options = options
  }

  async observe(spec: TenantSpec): Promise<SeenServer> {
    return { state: spec.database === "shared" ? "ready" : "absent" }
  }

  async ensure(spec: TenantSpec): Promise<void> {
    if (spec.database === "shared") return
    throw new PermanentError(
      `The target ${this.#options.target} makes no database servers for single tenants. Choose another plan or target.`,
    )
  }

  async remove(): Promise<void> {
    // What others share stays.
  }

  async describe(): Promise<readonly ServerInfo[]> {
    return await Promise.all(this.#options.servers.shared.map((server) => this.#describe(server)))
  }

  async #describe(server: SharedServer): Promise<ServerInfo> {
    const look = async () => {
      const disk = (await this.#options.disk?.(server)) ?? null
      return [await budget(server.operator, server.maxTenants), disk ?? (await this.#diskOf(server))] as const
    }
    const seen = await look().catch((error: Error) => error)
    const isAway = seen instanceof Error
    const [found, disk]: readonly [Budget, Disk] = isAway ? [unknown, { freeMb: 0, totalMb: 0 }] : seen
    const isLow = disk.totalMb > 0 && disk.freeMb < lowDiskMb
    return {
      name: server.name,
      target: this.#options.target,
      ready: !isAway,
      notes: isAway ? [seen.message] : isLow ? [`Only ${disk.freeMb} MB of its disk are free.`] : [],
      ...found,
      diskFreeMb: disk.freeMb,
      diskTotalMb: disk.totalMb,
    }
  }

  /** Of one on another machine: its size is a setting, and what our databases take is all we can see of the rest. */
  async #diskOf(server: SharedServer): Promise<Disk> {
    if (server.diskMb === null) return { freeMb: 0, totalMb: 0 }
    let known = this.#measured.get(server.name)
    if (!known || known.at < Date.now() - measuredMs) {
      const rows = await server.operator.query<{ mb: number }>(
        `SELECT COALESCE(sum(pg_database_size(oid)) / 1024 / 1024, 0)::int AS mb
           FROM pg_database WHERE datdba = current_user::regrole`,
      )
      known = { at: Date.now(), usedMb: rows[0]?.mb ?? 0 }
      this.#measured.set(server.name, known)
    }
    return { freeMb: Math.max(0, server.diskMb - known.usedMb), totalMb: server.diskMb }
  }
}
