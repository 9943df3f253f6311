import type pg from "pg"
import { stageForAct } from "./look.ts"
import { ident } from "./operator.ts"
import { dropRole } from "./roles.ts"
import { dropScratch } from "./scratch.ts"

/** Takes a tenant's database and role away; what is gone already stays gone. */
export async function dropTenant(client: pg.Client, tenant: string, installation: string): Promise<void> {
  if ((await stageForAct(client, tenant, installation)) !== "absent") {
    // Closed first: a tenant that signs in again at once would keep its database for ever. What a killed drop has left
    // cannot be altered any more, and nobody signs in to it either.
    if (!(await isHalfDropped(client, tenant))) {
      await client.query(`ALTER DATABASE ${ident(tenant)} WITH ALLOW_CONNECTIONS false`)
    }
    await client.query(`DROP DATABASE IF EXISTS ${ident(tenant)} WITH (FORCE)`)
  }
  await dropRole(client, tenant)
  await dropScratch(client, tenant)
}

/** PostgreSQL marks a database so before it deletes the first of its files. */
async function isHalfDropped(client: pg.Client, database: string): Promise<boolean> {
  const { rows } = await client.query("SELECT FROM pg_database WHERE datname = $1 AND datconnlimit = -2", [database])
  return rows.length > 0
}
