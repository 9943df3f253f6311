/**
 * What a database server can hold. Every tenant's role has a connection limit, and the limits of all of them together
 * are never more than the server gives to tenants: however busy its neighbours are, each gets what its plan says. The
 * role is the reservation, so it is made before the database, and a larger plan's connections are promised to it before
 * Odoo may open them.
 */
import type pg from "pg"
import { PermanentError, RetryableError } from "../domain/errors.ts"
import { type Limits, tenantPattern } from "../domain/tenant.ts"
import { connectionLimit } from "./roles.ts"
import type { SharedServerSettings } from "./servers.ts"

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

type Bounds = Pick<SharedServerSettings, "name" | "maxTenants">

/** Better not to begin. For a tenant that has no role there yet. */
export async function refuseWhenFull(client: pg.Client, server: Bounds, limits: Limits): Promise<void> {
  const found = await budget(client, server.maxTenants)
  const needed = connectionLimit(limits)
  const problem =
    found.databases >= found.maxDatabases
      ? `it has ${found.databases} tenants, and that is all it may have`
      : needed > left(found)
        ? `${promised(found)}, and this plan needs ${needed}`
        : ""
  if (problem === "") return
  throw new PermanentError(
    `The database server ${server.name} is full: ${problem}. ` +
      "Raise what it can hold (max_connections, or its limit of tenants) or add a database server, then retry.",
  )
}

/** For a tenant that is there already, whose plan gives it so many more than are promised to it. */
export async function refuseMore(client: pg.Client, server: Bounds, more: number): Promise<void> {
  const found = await budget(client, server.maxTenants)
  if (more <= left(found)) return
  throw new PermanentError(
    `The database server ${server.name} has no room for the connections of this plan: ${promised(found)}, and it needs ` +
      `${more} more. The tenant keeps those that it had. Raise max_connections of that server, or choose a plan with ` +
      "fewer connections, then retry.",
  )
}

function left(found: Budget): number {
  return found.maxConnections - found.promisedConnections
}

function promised({ promisedConnections, maxConnections, databases }: Budget): string {
  return (
    `${promisedConnections} of the ${maxConnections} connections that tenants may have are promised to its ` +
    `${databases} tenants`
  )
}
