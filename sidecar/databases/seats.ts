/** A seat is a small number that a tenant keeps for life; its address and its uid are made of it. */
import { PermanentError } from "../domain/errors.ts"
import type { Outgoing, TenantId } from "../domain/tenant.ts"
import type { Operator } from "./operator.ts"

/** Seats of a /16 without its first and last address. */
const seats = 65_534

export interface Taken {
  readonly seat: number
  readonly outgoing: Outgoing
}

export class Seats {
  readonly #operator: Operator
  readonly #known = new Map<TenantId, number>()

  constructor(operator: Operator) {
    this.#operator = operator
  }

  /** null: the tenant has none (yet). */
  async find(tenant: TenantId): Promise<number | null> {
    const known = this.#known.get(tenant)
    if (known !== undefined) return known
    const rows = await this.#operator.query<{ seat: number | null }>("SELECT seat FROM saas.tenant WHERE id = $1", [
      tenant,
    ])
    const seat = rows[0]?.seat ?? null
    if (seat !== null) this.#known.set(tenant, seat)
    return seat
  }

  /** Seats are never given twice while somebody has them: the table's unique index decides between two who choose at once. */
  async take(tenant: TenantId): Promise<number> {
    const has = await this.find(tenant)
    if (has !== null) return has
    for (;;) {
      try {
        await this.#operator.query(`INSERT INTO saas.tenant (id) VALUES ($1) ON CONFLICT (id) DO NOTHING`, [tenant])
        await this.#operator.query(
          `UPDATE saas.tenant SET seat = (
             SELECT min(free) FROM generate_series(1, ${seats}) free
              WHERE NOT EXISTS (SELECT FROM saas.tenant t WHERE t.seat = free)
           ) WHERE id = $1 AND seat IS NULL`,
          [tenant],
        )
      } catch (error) {
        if (isTaken(error)) continue
        throw error
      }
      const seat = await this.find(tenant)
      if (seat === null) throw new PermanentError("All 65,534 seats of this machine are taken. Add another target.")
      return seat
    }
  }

  async all(): Promise<Taken[]> {
    const rows = await this.#operator.query<{ seat: number; mail: boolean; https: boolean }>(
      "SELECT seat, mail, https FROM saas.tenant WHERE seat IS NOT NULL ORDER BY seat",
    )
    return rows.map(({ seat, mail, https }) => ({ seat, outgoing: { mail, https } }))
  }

  async setOutgoing(tenant: TenantId, { mail, https }: Outgoing): Promise<void> {
    await this.#operator.query(
      "UPDATE saas.tenant SET mail = $2, https = $3 WHERE id = $1 AND (mail, https) <> ($2, $3)",
      [tenant, mail, https],
    )
  }

  async giveBack(tenant: TenantId): Promise<void> {
    this.#known.delete(tenant)
    await this.#operator.query("UPDATE saas.tenant SET seat = NULL WHERE id = $1", [tenant])
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && (error as { code?: string }).code === "23505"
}
