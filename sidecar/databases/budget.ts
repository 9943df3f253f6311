/** What a database server can hold: a tenant that could not hold its connections would fail at every visitor. */
import type pg from "pg"
import { PermanentError, RetryableError } from "../domain/errors.ts"
import type { TenantId } from "../domain/tenant.ts"
import type { Operator } from "./operator.ts"

export interface Budget {
  /** What the server takes, without what it keeps for superusers. */
  readonly maxConnections: number
  readonly databases: number
  readonly connections: number
}

/** An idle tenant keeps four connections, five with websockets. */
const idleConnections = 5

interface Row {
  readonly max: number
  readonly reserved: number
  readonly databases: number
  readonly connections: number
}

/** `$1`: tenants whose database is being made, and not to be seen yet. */
const question = `
  SELECT current_setting('max_connections')::int AS max,
         current_setting('superuser_reserved_connections')::int AS reserved,
         (SELECT count(*)::int FROM (
            SELECT datname::text FROM pg_database
             WHERE datdba = current_user::regrole AND datname ~ '^t[a-z2-7]{10}$'
             UNION SELECT unnest($1::text[])) d) AS databases,
         (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections`

export async function budget(operator: Operator): Promise<Budget> {
  return budgetOf(await operator.query<Row>(question, [[]]))
}

/** Better not to begin. `copying`: tenants whose databases are being made. */
export async function refuseWhenFull(client: pg.Client, copying: readonly TenantId[]): Promise<void> {
  const found = budgetOf((await client.query<Row>(question, [copying])).rows)
  if (found.databases < roomFor(found)) return
  throw new PermanentError(
    `The database server is full: its ${found.databases} tenants may hold ${found.databases * idleConnections} of its ` +
      `${found.maxConnections} connections. ` +
      "Raise max_connections or add a database server, then retry.",
  )
}

/** Databases that the connections of a server are enough for. */
export function roomFor({ maxConnections }: Budget): number {
  return Math.floor(maxConnections / idleConnections)
}

function budgetOf([row]: readonly Row[]): Budget {
  if (!row) throw new RetryableError("PostgreSQL told nothing of its connections.")
  const { max, reserved, databases, connections } = row
  return { maxConnections: max - reserved, databases, connections }
}
