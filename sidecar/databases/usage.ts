/**
 * Counts from outside what a tenant uses. The count signs in as the tenant's own role: a tenant can put code behind any
 * table of theirs, and in a session of the operator that code would be the operator.
 */
import pg from "pg"
import type { TenantSpec } from "../domain/tenant.ts"
import type { DatabaseUsage } from "../drivers/driver.ts"
import { type Operator, sessionAs } from "./operator.ts"

/** Odoo's own robot, which nobody signs on as. */
const robotUser = 1
const countTimeoutMs = 5_000

/**
 * null where nothing can be counted: the database is not there, not open yet, or its rights are wrong; or the tenant has
 * broken its own table of users or uses up all of its connections, which must not keep anybody from suspending it.
 */
export async function countUsage(
  operator: Operator,
  spec: TenantSpec,
  password: string,
): Promise<DatabaseUsage | null> {
  const size = await operator.query<{ bytes: string }>(
    "SELECT pg_database_size(oid) AS bytes FROM pg_database WHERE datname = $1 AND datallowconn",
    [spec.id],
  )
  if (size.length === 0) return null
  const activeUsers = await countUsers(operator, spec, password)
  if (activeUsers === null) return null
  return { activeUsers, megabytes: Math.ceil(Number(size[0]?.bytes) / 1024 / 1024) }
}

async function countUsers(operator: Operator, spec: TenantSpec, password: string): Promise<number | null> {
  const counting = sessionAs(operator.settings, { user: spec.id, password }, spec.id, "saas usage", async (client) => {
    await client.query(`SET statement_timeout = ${countTimeoutMs}`)
    const { rows } = await client.query<{ users: string }>(
      "SELECT count(*) AS users FROM public.res_users WHERE active AND NOT COALESCE(share, false) AND id <> $1 AND NOT login = ANY ($2)",
      [robotUser, spec.staffLogins],
    )
    return Number(rows[0]?.users)
  })
  // Whatever goes wrong there, code of the tenant's may have said it, with any code and in any words. That PostgreSQL
  // is away was told by the question before this one.
  return await counting.catch(() => null)
}

export function isOutOfConnections(error: unknown): boolean {
  return error instanceof Error && /too many connections for role/.test(error.message)
}

/** Wrong password, no such role, no CONNECT. */
export function isRefusal(error: unknown): boolean {
  return error instanceof pg.DatabaseError && ["28P01", "28000", "42501"].includes(error.code ?? "")
}
