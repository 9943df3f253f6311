/**
 * What a database server can hold. Every tenant's role has a connection limit, and the limits of all of them together
 * are never more than the server gives to tenants: however busy its neighbours are, each gets what its plan says. The
 * role is the reservation, so it is made before the database.
 */
import type pg from "pg"
import { PermanentError, RetryableError } from "../domain/errors.ts"
import { type Limits, tenantPattern } from "../domain/tenant.ts"
import { connectionLimit } from "./roles.ts"

export interface Budget {
  /** Those that tenants may have. */
  readonly maxConnections: number
  readonly maxDatabases: number
  readonly databases: number
  readonly promisedConnections: number
  /** Open just now, ours included. */
  readonly connections: number
}

/** An idle tenant keeps four connections, five with websockets: so many there are at most, whatever plans say. */
const idleConnections = 5
/** Kept for the sidecars, for the master where it is on the same server, and for a person who looks. */
const ownShare = 0.1
const ownLeast = 10

interface Row {
  readonly max: number
  readonly reserved: number
  readonly databases: number
  readonly promised: number
  readonly connections: number
}

const question = `
  SELECT current_setting('max_connections')::int AS max,
         current_setting('superuser_reserved_connections')::int AS reserved,
         (SELECT count(*)::int FROM (
            SELECT datname::text FROM pg_database WHERE datname ~ '${tenantPattern}'
             UNION SELECT rolname::text FROM pg_roles WHERE rolname ~ '${tenantPattern}') t) AS databases,
         (SELECT COALESCE(sum(GREATEST(rolconnlimit, 0)), 0)::int FROM pg_roles
           WHERE rolname ~ '${tenantPattern}') AS promised,
         (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections`

interface Queries {
  query(sql: string): Promise<readonly Row[] | pg.QueryResult<Row>>
}

export async function budget(client: Queries, maxTenants: number | null): Promise<Budget> {
  const answer = await client.query(question)
  const [row] = "rows" in answer ? answer.rows : answer
  if (!row) throw new RetryableError("PostgreSQL told nothing of its connections.")
  const { max, reserved, databases, promised, connections } = row
  const maxConnections = connectionsForTenants(max - reserved)
  return {
    maxConnections,
    maxDatabases: maxTenants ?? Math.floor(maxConnections / idleConnections),
    databases,
    promisedConnections: promised,
    connections,
  }
}

export function connectionsForTenants(usable: number): number {
  return Math.max(0, usable - Math.max(ownLeast, Math.ceil(usable * ownShare)))
}

/** Better not to begin. For a tenant that has no role there yet. */
export async function refuseWhenFull(
  client: pg.Client,
  server: { readonly name: string; readonly maxTenants: number | null },
  limits: Limits,
): Promise<void> {
  const problem = problemOf(await budget(client, server.maxTenants), limits)
  if (problem === "") return
  throw new PermanentError(
    `The database server ${server.name} is full: ${problem}. ` +
      "Raise what it can hold (max_connections, or its limit of tenants) or add a database server, then retry.",
  )
}

function problemOf(found: Budget, limits: Limits): string {
  if (found.databases >= found.maxDatabases) return `it has ${found.databases} tenants, and that is all it may have`
  const needed = connectionLimit(limits)
  const left = found.maxConnections - found.promisedConnections
  if (needed <= left) return ""
  return (
    `${found.promisedConnections} of the ${found.maxConnections} connections that tenants may have are promised to its ` +
    `${found.databases} tenants, and this plan needs ${needed}`
  )
}
