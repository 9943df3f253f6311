/** Customers as they could be, for pictures: some at work, one suspended, one whose Odoo could not be made. */
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import type { Installation } from "./installation.ts"
import type { Master } from "./master.ts"
import { confirmOrder, type TenantRow, waitForPhase } from "./sales.ts"
import { TenantUser } from "./tenant.ts"
import { until } from "./wait.ts"

interface Company {
  readonly name: string
  readonly slug: string
  readonly email: string
  readonly person: string
}

export interface Customer extends Company {
  readonly tenant: TenantRow
  /** Of their portal user. */
  readonly password: string
}

export interface Showcase {
  readonly running: Customer
  readonly suspended: Customer
  readonly failed: Customer
  /** The id of an order that nobody has confirmed yet. */
  readonly quotation: number
}

const company = (name: string, slug: string, person: string): Company => ({
  name,
  slug,
  person,
  email: `${person.split(" ")[0]?.toLowerCase()}@${slug}.example`,
})

const bakery = company("Sunrise Bakery", "sunrise-bakery", "Nora Lindt")
const harbor = company("Harbor Cycles", "harbor-cycles", "Tom Okafor")
const alpine = company("Alpine Outfitters", "alpine", "Ida Berg")
const lantern = company("Blue Lantern Books", "blue-lantern", "Ada Moreau")
const olive = company("Olive & Thyme Catering", "olive-thyme", "Sam Rossi")
const maple = company("Maple Street Clinic", "maple-street", "Jo Park")

const suspendedBecause = "Invoice INV/2026/00017 has been open since March."

/** What the bakery sells, in the first stages of its pipeline. */
const opportunities = [
  ["Bread for the Grand Hotel", 4800, 1],
  ["Office breakfasts, 40 people", 1900, 1],
  ["Wedding cake, June", 650, 2],
  ["School canteen, two years", 12400, 3],
  ["Farmers' market stand", 900, 3],
] as const

export async function makeCustomers(it: Installation, master: Master): Promise<Showcase> {
  await master.write("res.company", 1, { name: "Northwind Cloud" })
  const starter = await planNamed(master, "Starter")
  // The same apps, so that both plans share one template.
  const business = await master.call<number>("product.template", "copy", [
    [starter],
    {
      name: "Business",
      list_price: 79,
      description_sale: "An Odoo of your own with CRM, sales and contacts, for up to 25 users.",
      saas_users: 25,
      saas_storage_mb: 20480,
    },
  ])
  const planOf = (id: unknown) => (Array.isArray(id) ? Number(id[0]) : Number(id))

  const running = await sell(master, bakery, planOf(business))
  await sell(master, harbor, starter)
  await sell(master, alpine, starter)
  const suspended = await sell(master, lantern, starter)
  await suspend(master, suspended.tenant)
  const failed = await sellInVain(it, master, olive, starter)
  await fillPipeline(it, running)
  const quotation = await draft(master, maple, planOf(business))
  return { running, suspended, failed, quotation }
}

async function planNamed(master: Master, name: string): Promise<number> {
  const plans = await master.search<{ id: number }>("product.template", [["name", "=", name]], ["id"], 1)
  if (!plans[0]) throw new Error(`There is no plan ${name}`)
  return plans[0].id
}

async function draft(master: Master, { name, email, person, slug }: Company, plan: number): Promise<number> {
  const company = await master.create("res.partner", { name, is_company: true })
  // Whom the quotation is for is the first user of the new Odoo.
  const partner = await master.create("res.partner", { name: person, email, parent_id: company })
  const opportunity = await master.create("crm.lead", { name: `${name} wants its own Odoo`, partner_id: partner })
  const { product_variant_id } = await master.read<{ product_variant_id: [number, string] }>("product.template", plan, [
    "product_variant_id",
  ])
  return master.create("sale.order", {
    partner_id: partner,
    opportunity_id: opportunity,
    saas_slug: slug,
    order_line: [[0, 0, { product_id: product_variant_id[0], product_uom_qty: 1 }]],
  })
}

async function sell(master: Master, company: Company, plan: number): Promise<Customer> {
  const { id } = await confirmOrder(master, await draft(master, company, plan))
  const tenant = await waitForPhase(master, id, "running", 300)
  return { ...company, tenant, password: await portalPassword(master, company) }
}

/** Files without a database look like lost data, so nothing is made over them; a person has to look. */
async function sellInVain(it: Installation, master: Master, company: Company, plan: number): Promise<Customer> {
  await it.sidecar.stop()
  const { id, ref } = await confirmOrder(master, await draft(master, company, plan))
  mkdirSync(join(it.stateDir, "tenants", ref, "data"), { recursive: true })
  await it.sidecar.start()
  const tenant = await waitForPhase(master, id, "failed", 300)
  return { ...company, tenant, password: await portalPassword(master, company) }
}

/** Customers choose one themselves, with the link in their invitation. */
async function portalPassword(master: Master, { email, name }: Company): Promise<string> {
  const user = await until(`${name} has a portal user`, async () => {
    const users = await master.search<{ id: number }>("res.users", [["login", "=", email]], ["id"])
    return users[0]
  })
  const password = `the password of ${name}`
  await master.write("res.users", user.id, { password })
  return password
}

async function suspend(master: Master, { id }: TenantRow): Promise<void> {
  const wizard = await master.create("saas.tenant.suspend", { tenant_id: id, reason: suspendedBecause })
  await master.call("saas.tenant.suspend", "action_confirm", [[wizard]])
  await waitForPhase(master, id, "suspended", 300)
}

async function fillPipeline(it: Installation, { tenant, slug, email }: Customer): Promise<void> {
  const signer = { sidecarUrl: `http://127.0.0.1:${it.ports.sidecar}`, tokenFile: it.secrets.path("nudge-token") }
  // What is shown as its address may be another than where it is served.
  const owner = await TenantUser.signOn(signer, { ref: tenant.ref, url: it.tenantUrl(slug) }, email)
  const stages = await owner.call<{ id: number }[]>("crm.stage", "search_read", [[]], { fields: ["id"] })
  for (const [name, expected_revenue, nth] of opportunities) {
    const stage_id = stages[nth - 1]?.id
    await owner.call("crm.lead", "create", [{ name, expected_revenue, stage_id, type: "opportunity" }])
  }
}
