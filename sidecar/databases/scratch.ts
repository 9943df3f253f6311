/**
 * A database to try a restore in. A dump holds functions of the tenant's which a restore runs, so it runs as a role that
 * is made for it, that can connect to nothing else and that goes with it.
 */
import { randomBytes } from "node:crypto"
import type pg from "pg"
import { dropDatabase } from "./drop-database.ts"
import { writeMark } from "./mark.ts"
import { type Credentials, ident, literal } from "./operator.ts"
import { scramVerifier } from "./scram.ts"

/** Name of the database and of its role: the same, since a role may connect to its namesake only. */
export function scratchOf(tenant: string): string {
  return `${tenant}_check`
}

/** An empty one; what an earlier try has left is dropped. */
export async function makeScratch(client: pg.Client, tenant: string, installation: string): Promise<Credentials> {
  const user = scratchOf(tenant)
  const password = randomBytes(24).toString("base64url")
  await dropScratch(client, tenant)
  await client.query(`CREATE ROLE ${ident(user)} LOGIN NOINHERIT PASSWORD ${literal(scramVerifier(password))}`)
  await client.query(`CREATE DATABASE ${ident(user)} TEMPLATE template0 STRATEGY wal_log`)
  const mark = writeMark({ installation, subject: tenant, stage: "building" })
  await client.query(`COMMENT ON DATABASE ${ident(user)} IS ${literal(mark)}`)
  await client.query(`REVOKE ALL ON DATABASE ${ident(user)} FROM PUBLIC`)
  await client.query(`GRANT CONNECT, CREATE, TEMPORARY ON DATABASE ${ident(user)} TO ${ident(user)}`)
  // To give and to look at what is the role's.
  await client.query(`GRANT ${ident(user)} TO CURRENT_USER`)
  return { user, password }
}

export async function dropScratch(client: pg.Client, tenant: string): Promise<void> {
  const name = scratchOf(tenant)
  await dropDatabase(client, name)
  await client.query(`DROP ROLE IF EXISTS ${ident(name)}`)
}
