/** Those who have an Odoo at the moment, and those whose Odoo was measured and rests. */
import type { Master } from "../../tests/helpers/master.ts"
import {
  confirmOrder,
  confirmQuotation,
  draftQuotation,
  type TenantRow,
  waitForPhase,
} from "../../tests/helpers/sales.ts"

export class Customers {
  readonly #master: Master
  readonly #running: TenantRow[] = []
  readonly #suspended: TenantRow[] = []

  constructor(master: Master) {
    this.#master = master
  }

  get running(): readonly TenantRow[] {
    return this.#running
  }

  get suspended(): readonly TenantRow[] {
    return this.#suspended
  }

  /** A quotation for a new customer; answers the order's id. */
  draft(slug: string): Promise<number> {
    return draftQuotation(this.#master, { slug })
  }

  /** Answers as soon as the master has confirmed. */
  confirm(order: number): Promise<TenantRow> {
    return confirmOrder(this.#master, order)
  }

  /** It stays for what is measured next; answers when nothing is left to be done for it. */
  async keep(tenant: TenantRow): Promise<void> {
    this.#running.push(await waitForPhase(this.#master, tenant.id, "running"))
  }

  /** So many run, at the least. */
  async atLeast(count: number): Promise<readonly TenantRow[]> {
    while (this.#running.length < count) {
      const slug = `filling-${this.#running.length + 1}`
      await this.keep(await confirmQuotation(this.#master, { slug }))
    }
    return this.#running
  }

  /**
   * Nothing of it runs any more, so that it takes nothing from what is measured next. Not deleted: a final backup that
   * is made and verified is half a minute's work.
   */
  async suspend(tenant: TenantRow): Promise<void> {
    await waitForPhase(this.#master, tenant.id, "running")
    const reason = "It has been measured."
    const wizard = await this.#master.create("saas.tenant.suspend", { tenant_id: tenant.id, reason })
    await this.#master.call("saas.tenant.suspend", "action_confirm", [[wizard]])
    this.#suspended.push(await waitForPhase(this.#master, tenant.id, "suspended"))
  }
}
