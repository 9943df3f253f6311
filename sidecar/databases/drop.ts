import type pg from "pg"
import { PermanentError } from "../domain/errors.ts"
import { readMark } from "./mark.ts"
import { ident } from "./operator.ts"
import { dropRole } from "./roles.ts"

/** Takes a tenant's database and role away; what is gone already stays gone. */
export async function dropTenant(client: pg.Client, tenant: string, installation: string): Promise<void> {
  const { rows } = await client.query<{ comment: string | null }>(
    "SELECT shobj_description(oid, 'pg_database') AS comment FROM pg_database WHERE datname = $1",
    [tenant],
  )
  const found = rows[0]
  if (found) {
    if (found.comment !== null && readMark(found.comment)?.installation !== installation) {
      throw new PermanentError(`The database ${tenant} belongs to another installation, so it is not deleted.`)
    }
    // Closed first: a tenant that signs in again at once would keep its database for ever.
    await client.query(`ALTER DATABASE ${ident(tenant)} WITH ALLOW_CONNECTIONS false`)
    await client.query(`DROP DATABASE IF EXISTS ${ident(tenant)} WITH (FORCE)`)
  }
  await dropRole(client, tenant)
}
