import type pg from "pg"
import { ident } from "./operator.ts"

/**
 * Takes a database away with all sessions that there are on it; one that is gone already stays gone.
 *
 * Not `WITH (FORCE)`: to a role that is no superuser PostgreSQL answers that with "must be a member of the role whose
 * process is being terminated" whenever autovacuum happens to be at work there, since its worker is nobody's. A plain
 * drop ends such workers itself, and waits some seconds for what was told to end.
 */
export async function dropDatabase(client: pg.Client, database: string): Promise<void> {
  const state = await stateOf(client, database)
  if (state === "absent") return
  if (state === "there") {
    // Closed first: who signs in again at once would keep it for ever.
    await client.query(`ALTER DATABASE ${ident(database)} WITH ALLOW_CONNECTIONS false`)
    await endSessions(client, database)
  }
  await client.query(`DROP DATABASE IF EXISTS ${ident(database)}`)
}

/** Those that we may end; who else is there is named by what is done next. */
export async function endSessions(client: pg.Client, database: string): Promise<void> {
  await client.query(
    `SELECT pg_terminate_backend(pid)
       FROM pg_stat_activity
      WHERE datname = $1 AND usesysid IS NOT NULL AND pg_has_role(usesysid, 'USAGE') AND pid <> pg_backend_pid()`,
    [database],
  )
}

/**
 * `half dropped`: what a killed drop has left. PostgreSQL marks a database so before it deletes the first of its files;
 * it cannot be altered any more, and nobody signs in to it either.
 */
async function stateOf(client: pg.Client, database: string): Promise<"absent" | "there" | "half dropped"> {
  const { rows } = await client.query<{ datconnlimit: number }>(
    "SELECT datconnlimit FROM pg_database WHERE datname = $1",
    [database],
  )
  if (rows[0] === undefined) return "absent"
  return rows[0].datconnlimit === -2 ? "half dropped" : "there"
}
