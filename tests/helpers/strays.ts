/** What it takes that nobody knows of a tenant any more, and what an operator does then. */
import type { Installation } from "./installation.ts"
import type { Master } from "./master.ts"
import { readTenant, type TenantRow } from "./sales.ts"
import { until } from "./wait.ts"

export interface StrayRow {
  readonly id: number
  readonly ref: string
  readonly hosts: string | false
  readonly database: string
}

/** As in a master that was restored from a copy which is older than the tenant. */
export async function forgetTenant({ postgres }: Installation, { id }: TenantRow): Promise<void> {
  await postgres.query("master", async (client) => {
    await client.query("BEGIN")
    await client.query("UPDATE saas_subscription SET tenant_id = NULL WHERE tenant_id = $1", [id])
    for (const table of ["saas_operation", "saas_tenant_host"]) {
      await client.query(`DELETE FROM ${table} WHERE tenant_id = $1`, [id])
    }
    await client.query("DELETE FROM saas_tenant WHERE id = $1", [id])
    await client.query("COMMIT")
  })
}

export function straysOn(master: Master): Promise<StrayRow[]> {
  return master.search("saas.stray", [], ["ref", "hosts", "database"])
}

export async function waitForStray(master: Master, ref: string): Promise<StrayRow> {
  const find = async () => (await straysOn(master)).find((stray) => stray.ref === ref) ?? null
  return await until(`the target's page tells of ${ref}`, find)
}

/** Answers the tenant that it is from now on. */
export async function adopt(master: Master, stray: StrayRow, plan: string): Promise<TenantRow> {
  const partner_id = await master.create("res.partner", { name: "Lost and Found", email: "found@lost.example" })
  const [found] = await master.search<{ id: number }>("product.template", [["name", "=", plan]], ["name"])
  const wizard = await master.create("saas.stray.adopt", { stray_id: stray.id, partner_id, plan_id: found?.id })
  await master.call("saas.stray.adopt", "action_confirm", [[wizard]])
  const [tenant] = await master.search<TenantRow>("saas.tenant", [["ref", "=", stray.ref]], ["ref"])
  if (!tenant) throw new Error(`${stray.ref} was adopted and is no tenant`)
  return await readTenant(master, tenant.id)
}
