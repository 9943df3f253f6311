/** The tenant's role: it signs in to its own database, owns the objects in it, and can do nothing else. */
import type pg from "pg"
import { PermanentError } from "../domain/errors.ts"
import type { Limits } from "../domain/tenant.ts"
import { ident, literal } from "./operator.ts"
import { scramVerifier } from "./scram.ts"

/** Beside what the plan gives: one for the sidecar's own look from outside, one for its check of the password. */
const reservedConnections = 2

export function connectionLimit(limits: Limits): number {
  return limits.connections + reservedConnections
}

/** Holds the connections of a plan for a tenant whose database is still to be made. Nobody signs in as it yet. */
export async function reserveRole(client: pg.Client, role: string, limits: Limits): Promise<void> {
  await client.query(`CREATE ROLE ${ident(role)} NOLOGIN CONNECTION LIMIT ${connectionLimit(limits)}`)
}

/** How many connections are promised to it, -1 for no bound; null: there is no such role. */
export async function promisedTo(client: pg.Client, role: string): Promise<number | null> {
  const { rows } = await client.query<{ promised: number }>(
    "SELECT rolconnlimit AS promised FROM pg_roles WHERE rolname = $1",
    [role],
  )
  return rows[0]?.promised ?? null
}

export async function promise(client: pg.Client, role: string, limits: Limits): Promise<void> {
  await client.query(`ALTER ROLE ${ident(role)} CONNECTION LIMIT ${connectionLimit(limits)}`)
}

const attributes = "LOGIN NOINHERIT NOCREATEDB NOCREATEROLE"

/**
 * Makes it, or makes it again what it should be: it may have changed its own password and settings. More connections than
 * are promised to it are not given here: whether there is room for them is another question.
 */
export async function ensureRole(client: pg.Client, role: string, password: string, limits: Limits): Promise<void> {
  const promised = await promisedTo(client, role)
  if (promised === null) await client.query(`CREATE ROLE ${ident(role)}`)
  if (!isFewer(promised, limits)) await promise(client, role, limits)
  await client.query(`ALTER ROLE ${ident(role)} ${attributes}`)
  await client.query(`ALTER ROLE ${ident(role)} PASSWORD ${literal(scramVerifier(password))}`)
  await client.query(`ALTER ROLE ${ident(role)} RESET ALL`)
  await client.query(`ALTER ROLE ${ident(role)} IN DATABASE ${ident(role)} RESET ALL`)
  for (const member of await membersBesideUs(client, role)) {
    await client.query(`REVOKE ${ident(role)} FROM ${ident(member)}`)
  }
  const [left] = await membersBesideUs(client, role)
  if (left !== undefined) {
    throw new PermanentError(
      `The database role ${left} may act as ${role}, and only a superuser of PostgreSQL can end that: ` +
        `REVOKE ${ident(role)} FROM ${ident(left)} CASCADE. Then retry.`,
    )
  }
  // Whoever owns objects must be able to act as the role that they go to.
  await client.query(`GRANT ${ident(role)} TO CURRENT_USER`)
}

/**
 * Up to PostgreSQL 15.0 a role could give membership in itself to any other. From 16 on, what a superuser has given only a
 * superuser can take back.
 */
async function membersBesideUs(client: pg.Client, role: string): Promise<string[]> {
  const { rows } = await client.query<{ member: string }>(
    `SELECT pg_get_userbyid(member) AS member FROM pg_auth_members
      WHERE roleid = (SELECT oid FROM pg_roles WHERE rolname = $1) AND member <> current_user::regrole`,
    [role],
  )
  return rows.map((row) => row.member)
}

function isFewer(promised: number | null, limits: Limits): boolean {
  return promised !== null && promised >= 0 && promised < connectionLimit(limits)
}

export async function dropRole(client: pg.Client, role: string): Promise<void> {
  await client.query(`DROP ROLE IF EXISTS ${ident(role)}`)
}

/** SQL that is true of a row `r` of pg_roles that is as `ensureRole` leaves it; `$most` is the plan's connection limit. */
export const roleIsRight = (most: string) => `
  (r.rolcanlogin AND NOT r.rolinherit AND NOT r.rolsuper AND NOT r.rolcreatedb AND NOT r.rolcreaterole
   AND NOT r.rolreplication AND NOT r.rolbypassrls AND r.rolconnlimit BETWEEN 0 AND ${most}
   AND NOT EXISTS (SELECT FROM pg_db_role_setting s WHERE s.setrole = r.oid)
   AND NOT EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = r.oid AND m.member <> current_user::regrole)
   AND NOT EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid))`
