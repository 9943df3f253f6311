/** What a salesperson does until a customer has an Odoo of their own. */
import type { Master } from "./master.ts"
import { until } from "./wait.ts"

export interface TenantRow {
  readonly id: number
  /** The opaque id: also the name of its database and role. */
  readonly ref: string
  readonly slug: string
  readonly phase: string
  readonly desired: string
  readonly message: string | false
  readonly url: string
  readonly generation: number
}

const tenantFields = ["ref", "slug", "phase", "desired", "message", "url", "generation"] as const

export interface Quotation {
  /** The wished address, the first label of its host. */
  readonly slug: string
  /** Name of the plan; the first one there is when left out. */
  readonly plan?: string
}

/** Makes a customer and a quotation with one plan, not confirmed yet; answers the order's id. */
export async function draftQuotation(master: Master, quotation: Quotation): Promise<number> {
  const partner = await master.create("res.partner", {
    name: `${quotation.slug} Ltd`,
    is_company: true,
    email: `owner@${quotation.slug}.example`,
  })
  const plans = await master.search<{ id: number; product_variant_id: [number, string] }>(
    "product.template",
    [["is_saas_plan", "=", true], ...(quotation.plan ? ([["name", "=", quotation.plan]] as const) : [])],
    ["product_variant_id"],
    1,
  )
  const plan = plans[0]
  if (!plan) throw new Error(`There is no plan ${quotation.plan ?? "at all"}`)
  return master.create("sale.order", {
    partner_id: partner,
    saas_slug: quotation.slug,
    order_line: [[0, 0, { product_id: plan.product_variant_id[0], product_uom_qty: 1 }]],
  })
}

/** Confirms a quotation with a plan and answers the tenant that came of it. */
export async function confirmQuotation(master: Master, quotation: Quotation): Promise<TenantRow> {
  return confirmOrder(master, await draftQuotation(master, quotation))
}

export async function confirmOrder(master: Master, order: number): Promise<TenantRow> {
  await master.call("sale.order", "action_confirm", [[order]])
  const { saas_tenant_ids } = await master.read<{ saas_tenant_ids: number[] }>("sale.order", order, ["saas_tenant_ids"])
  const tenant = saas_tenant_ids[0]
  if (tenant === undefined) throw new Error("The confirmed quotation made no tenant")
  return readTenant(master, tenant)
}

export function readTenant(master: Master, id: number): Promise<TenantRow> {
  return master.read<TenantRow>("saas.tenant", id, tenantFields)
}

/** Waits until the tenant has that phase and nothing more is to be done for it. */
export function waitForPhase(master: Master, id: number, phase: string, seconds = 120): Promise<TenantRow> {
  return until(
    `tenant ${id} is ${phase}`,
    async () => {
      const tenant = await readTenant(master, id)
      const open = await openOperations(master, id)
      return tenant.phase === phase && open.length === 0 ? tenant : null
    },
    {
      seconds,
      everyMs: 200,
      seen: async () => {
        const { phase: seen, message } = await readTenant(master, id)
        const operations = await master.search<Record<string, unknown>>(
          "saas.operation",
          [["tenant_id", "=", id]],
          ["kind", "state", "message", "attempt"],
        )
        return `${seen}, ${message || "no message"}, ${JSON.stringify(operations)}`
      },
    },
  )
}

export function openOperations(master: Master, tenant: number): Promise<{ id: number; state: string }[]> {
  return master.search(
    "saas.operation",
    [
      ["tenant_id", "=", tenant],
      ["state", "in", ["queued", "running"]],
    ],
    ["state"],
  )
}

/** Both steps of a deletion: a day is set, and then an owner types the address to confirm that it be done at once. */
export async function deleteForGood(master: Master, tenant: { readonly id: number }): Promise<void> {
  const { slug } = await readTenant(master, tenant.id)
  const schedule = await master.create("saas.tenant.schedule.deletion", {
    tenant_id: tenant.id,
    reason: "The customer has left.",
  })
  await master.call("saas.tenant.schedule.deletion", "action_confirm", [[schedule]])
  const wizard = await master.create("saas.tenant.delete.now", { tenant_id: tenant.id, confirmation: slug })
  await master.call("saas.tenant.delete.now", "action_confirm", [[wizard]])
}
