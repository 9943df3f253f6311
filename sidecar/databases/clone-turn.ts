/**
 * How many databases are copied at once, and whether there is room for one more, is decided for a whole database server,
 * however many sidecars work on it. Whoever copies holds a shared advisory lock in the operator's database until its
 * session ends, so that everybody sees who copies just now; a worker that dies gives its turn back like that.
 */
import { setTimeout as pause } from "node:timers/promises"
import type pg from "pg"
import type { TenantId } from "../domain/tenant.ts"
import { refuseWhenFull } from "./budget.ts"

const gate = "hashtext('saas clone'), 0"
const turn = "hashtext('saas clone'), 1"
const turnPollMs = 50
/** Of a worker that stopped between two questions, such as one on a machine that was suspended. */
const gateSeconds = 5

/** Resolves once the session may copy; `most` copy at once. Throws a `PermanentError` where there is no room for one. */
export async function awaitTurn(client: pg.Client, most: number, signal: AbortSignal): Promise<void> {
  while (!(await takeTurn(client, most))) await pause(turnPollMs, undefined, { signal })
}

/** One at a time looks and takes: two that look at once would both see the last room. */
async function takeTurn(client: pg.Client, most: number): Promise<boolean> {
  await client.query(`BEGIN; SET LOCAL idle_in_transaction_session_timeout = '${gateSeconds}s'`)
  try {
    await client.query(`SELECT pg_advisory_xact_lock(${gate})`)
    const copying = await whoCopies(client)
    if (copying.length >= most) return false
    // Asked after who copies: a copy that ends in between is seen as a database.
    await refuseWhenFull(client, copying)
    await client.query(`SELECT pg_advisory_lock_shared(${turn})`)
    return true
  } finally {
    await client.query("COMMIT")
  }
}

/** The tenants of the sessions that have a turn, told by the names that acts give their sessions. */
async function whoCopies(client: pg.Client): Promise<TenantId[]> {
  const { rows } = await client.query<{ tenant: TenantId }>(
    `SELECT split_part(a.application_name, ' ', 3) AS tenant
       FROM pg_locks l JOIN pg_stat_activity a USING (pid)
      WHERE l.locktype = 'advisory' AND l.granted
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (l.classid, l.objid) = (hashtext('saas clone')::oid, 1::oid)`,
  )
  return rows.map(({ tenant }) => tenant)
}
