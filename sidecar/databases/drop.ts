import type pg from "pg"
import { dropDatabase } from "./drop-database.ts"
import { stageForAct } from "./look.ts"
import { dropRole } from "./roles.ts"
import { dropScratch } from "./scratch.ts"

/** Takes a tenant's database and role away; what is gone already stays gone. */
export async function dropTenant(client: pg.Client, tenant: string, installation: string): Promise<void> {
  if ((await stageForAct(client, tenant, installation)) !== "absent") await dropDatabase(client, tenant)
  await dropRole(client, tenant)
  await dropScratch(client, tenant)
}
