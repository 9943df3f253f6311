import type { Master } from "../../tests/helpers/master.ts"

export interface PortalUser {
  readonly login: string
  readonly password: string
}

/** A customer who was in the portal before they bought; others are invited to it by mail. */
export async function letIntoPortal(master: Master, order: number): Promise<PortalUser> {
  const { partner_id } = await master.read<{ partner_id: [number, string] }>("sale.order", order, ["partner_id"])
  const { email } = await master.read<{ email: string }>("res.partner", partner_id[0], ["email"])
  const [group] = await master.search<{ res_id: number }>(
    "ir.model.data",
    [
      ["module", "=", "base"],
      ["name", "=", "group_portal"],
    ],
    ["res_id"],
  )
  const password = `the password of ${email}`
  await master.create("res.users", {
    partner_id: partner_id[0],
    login: email,
    password,
    group_ids: [[6, 0, [group?.res_id]]],
  })
  return { login: email, password }
}
