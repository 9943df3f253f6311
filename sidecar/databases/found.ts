/** The tenants that a shared server has databases of, whoever may want them. */
import { isTenantId } from "../domain/names.ts"
import { type TenantId, tenantPattern } from "../domain/tenant.ts"
import type { FoundDatabase } from "../drivers/driver.ts"
import { readMark } from "./mark.ts"
import type { SharedServer } from "./servers.ts"

/** Ours only; and those among `also` whose claims this server has kept apart, though their database is elsewhere. */
export async function found(
  { name, operator }: Pick<SharedServer, "name" | "operator">,
  installation: string,
  also: readonly TenantId[],
): Promise<FoundDatabase[]> {
  const databases = await operator.query<{ id: string; comment: string | null }>(
    `SELECT datname AS id, shobj_description(oid, 'pg_database') AS comment
       FROM pg_database
      WHERE datdba = current_user::regrole AND datname ~ $1`,
    [tenantPattern],
  )
  // One without a mark is a clone whose maker died: whoever goes on with it is known.
  const ours = databases.filter(({ comment }) => readMark(comment)?.installation === installation).map(({ id }) => id)
  const heard = await operator.query<{ id: string }>("SELECT id FROM saas.tenant WHERE id = ANY($1)", [also])
  const others = heard.filter(({ id }) => isTenantId(id) && !ours.includes(id))
  return [
    ...ours.map((tenant) => ({ tenant, server: name, isThere: true })),
    ...others.map(({ id }) => ({ tenant: id, server: name, isThere: false })),
  ]
}
