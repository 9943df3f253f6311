/**
 * How many databases are copied at once, and whether there is room for one more, is decided for a whole database server,
 * however many sidecars work on it. Whoever copies holds a shared advisory lock in the operator's database until its
 * session ends, so that everybody sees who copies just now; a worker that dies gives its turn back like that.
 */
import { setTimeout as pause } from "node:timers/promises"
import type pg from "pg"

const gate = "hashtext('saas clone'), 0"
const turn = "hashtext('saas clone'), 1"
const turnPollMs = 50
/** Of a worker that stopped between two questions, such as one on a machine that was suspended; one that is busy goes on. */
const gateSeconds = 60

/**
 * Resolves once the session may copy; `most` copy at once. `reserve` is done while nobody else reserves; what it throws
 * leaves no trace.
 */
export async function awaitTurn(
  client: pg.Client,
  most: number,
  signal: AbortSignal,
  reserve: () => Promise<void> = async () => undefined,
): Promise<void> {
  while (!(await takeTurn(client, most, reserve))) await pause(turnPollMs, undefined, { signal })
}

async function takeTurn(client: pg.Client, most: number, reserve: () => Promise<void>): Promise<boolean> {
  return await whileNobodyReserves(client, async () => {
    if ((await howManyCopy(client)) >= most) return false
    await reserve()
    await client.query(`SELECT pg_advisory_lock_shared(${turn})`)
    return true
  })
}

/** A transaction on the operator's database: two who look at once would both see the last room. */
export async function whileNobodyReserves<T>(client: pg.Client, work: () => Promise<T>): Promise<T> {
  await client.query(`BEGIN; SET LOCAL idle_in_transaction_session_timeout = '${gateSeconds}s'`)
  try {
    await client.query(`SELECT pg_advisory_xact_lock(${gate})`)
    const result = await work()
    await client.query("COMMIT")
    return result
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined)
    throw error
  }
}

async function howManyCopy(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM pg_locks
      WHERE locktype = 'advisory' AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (classid, objid) = (hashtext('saas clone')::oid, 1::oid)`,
  )
  return rows[0]?.n ?? 0
}
