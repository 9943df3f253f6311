/**
 * Fencing reaches into PostgreSQL: it finishes a command whose client is dead. So every act runs in a session that
 * holds the tenant's advisory lock in the operator's database and has seen there that no younger claim was at work.
 */
import { setTimeout as pause } from "node:timers/promises"
import type pg from "pg"
import { StaleEpoch } from "../domain/errors.ts"
import type { Before, Fence } from "../drivers/driver.ts"
import type { Operator } from "./operator.ts"

const lockPollMs = 25

/** The name of every session that acts for a claim: a younger claim ends those of older ones by it. */
export const sessionName = (fence: Fence) => `saas act ${fence.tenant} ${fence.epoch}`

export class Fencing {
  readonly #operator: Operator
  readonly #before: Pick<Fencing, "check"> | null

  /** `before`: the fence of another server, for one that may not yet have been there when a younger claim began. */
  constructor(operator: Operator, before: Pick<Fencing, "check"> | null = null) {
    this.#operator = operator
    this.#before = before
  }

  /**
   * From here on, acts of older claims are refused. Throws `StaleEpoch` where this one is the older. Of claims that were
   * never raised here nothing is under way: they are refused before their first act.
   */
  async raise(fence: Fence): Promise<Before> {
    await this.#before?.check(fence)
    const rows = await this.#operator.query<{ epoch: string; ended: boolean | null }>(
      `INSERT INTO saas.tenant (id, epoch) VALUES ($1, $2)
       ON CONFLICT (id) DO UPDATE SET
         before = CASE WHEN saas.tenant.epoch < EXCLUDED.epoch THEN saas.tenant.epoch ELSE saas.tenant.before END,
         epoch = GREATEST(saas.tenant.epoch, EXCLUDED.epoch)
       RETURNING epoch, before = settled AS ended`,
      [fence.tenant, fence.epoch],
    )
    refuseStale(fence, Number(rows[0]?.epoch))
    return rows[0]?.ended ? "ended" : "unknown"
  }

  /** Every act of this claim has been answered. Nothing is noted where a younger one has begun: it did not wait for it. */
  async settle(fence: Fence): Promise<void> {
    await this.#operator.query("UPDATE saas.tenant SET settled = epoch WHERE id = $1 AND epoch = $2", [
      fence.tenant,
      fence.epoch,
    ])
  }

  /** Throws `StaleEpoch` where a younger claim has been at work; for acts on this machine. */
  async check(fence: Fence): Promise<void> {
    const rows = await this.#operator.query<{ epoch: string }>("SELECT epoch FROM saas.tenant WHERE id = $1", [
      fence.tenant,
    ])
    refuseStale(fence, Number(rows[0]?.epoch ?? 0))
  }

  /** Runs an act in a session that holds the tenant's lock; an abort cancels the command under way. */
  async act<T>(fence: Fence, work: (client: pg.Client) => Promise<T>): Promise<T> {
    await this.raise(fence)
    return await this.#operator.session(this.#operator.settings.database, sessionName(fence), async (client) => {
      await this.#lock(client, fence)
      await this.check(fence)
      const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")
      const cancel = () =>
        void this.#operator.query("SELECT pg_cancel_backend($1)", [rows[0]?.pid]).catch(() => undefined)
      fence.signal.addEventListener("abort", cancel, { once: true })
      try {
        fence.signal.throwIfAborted()
        return await work(client)
      } finally {
        fence.signal.removeEventListener("abort", cancel)
      }
    })
  }

  /**
   * The lock goes with the session, so a dead session holds it until PostgreSQL has finished its command. However long
   * that takes: whoever is told that this claim is over, or is called off, stops waiting.
   */
  async #lock(client: pg.Client, fence: Fence): Promise<void> {
    for (;;) {
      const { rows } = await client.query<{ got: boolean }>("SELECT pg_try_advisory_lock(hashtext($1), 0) AS got", [
        fence.tenant,
      ])
      if (rows[0]?.got) return
      fence.signal.throwIfAborted()
      await this.check(fence)
      await endStale(client, fence)
      await pause(lockPollMs, undefined, { signal: fence.signal })
    }
  }
}

/** Ends the sessions of older claims of this very tenant, told by the name that every act gives its session. */
async function endStale(client: pg.Client, fence: Fence): Promise<void> {
  await client.query(
    `SELECT pg_terminate_backend(pid)
       FROM pg_stat_activity
      WHERE usename = current_user AND pid <> pg_backend_pid()
        AND application_name ~ ('^saas act ' || $1::text || ' [0-9]+$')
        AND split_part(application_name, ' ', 4)::bigint < $2::bigint`,
    [fence.tenant, fence.epoch],
  )
}

function refuseStale(fence: Fence, epoch: number): void {
  if (epoch > fence.epoch) {
    throw new StaleEpoch(`Claim ${fence.epoch} of ${fence.tenant} is over: claim ${epoch} has been at work.`)
  }
}
