/** One PostgreSQL for all tenants of this target, somewhere that the sidecar and the pods reach. */
import { type Budget, budget, roomFor } from "../../databases/budget.ts"
import type { Operator } from "../../databases/operator.ts"
import type { ServerInfo } from "../../odoo/port.ts"
import type { DatabaseAddress, DatabaseServers } from "../driver.ts"

export interface SharedServerOptions {
  readonly target: string
  readonly name: string
  readonly operator: Operator
}

export class SharedServer implements DatabaseServers {
  readonly #options: SharedServerOptions

  constructor(options: SharedServerOptions) {
    this.#options = options
  }

  async ensure(): Promise<DatabaseAddress> {
    const { host, port } = this.#options.operator.settings
    return { host, port }
  }

  async describe(): Promise<readonly ServerInfo[]> {
    const { name, target, operator } = this.#options
    const seen = await budget(operator).then(
      (found): Budget | Error => found,
      (error: Error) => error,
    )
    const isAway = seen instanceof Error
    const found = isAway ? { maxConnections: 0, databases: 0, connections: 0 } : seen
    return [
      {
        name,
        target,
        ready: !isAway,
        notes: isAway ? [seen.message] : [],
        maxConnections: found.maxConnections,
        maxDatabases: roomFor(found),
        databases: found.databases,
        connections: found.connections,
        // Its disk is not ours to look at from here.
        diskFreeMb: 0,
      },
    ]
  }
}
