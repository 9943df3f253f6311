/** Rows of a tenant's database, counted by the operator to compare a backup with what it was made of. */
import type pg from "pg"
import { ident } from "./operator.ts"

/** Small, and in every Odoo. */
const tables = ["res_users", "res_partner", "ir_attachment", "ir_module_module"]

/**
 * Counts plain tables only: in the place of a table a tenant can put a view, and behind it a policy, whose code would
 * run as the operator. What was seen to be plain is locked, so that it stays so.
 */
export async function countRows(client: pg.Client): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  await client.query("BEGIN READ ONLY")
  try {
    for (const name of await plainTables(client)) {
      await client.query(`LOCK TABLE ONLY public.${ident(name)} IN ACCESS SHARE MODE`)
    }
    for (const name of await plainTables(client)) {
      const { rows } = await client.query<{ n: string }>(`SELECT count(*) AS n FROM ONLY public.${ident(name)}`)
      counts[name] = Number(rows[0]?.n)
    }
    const { rows } = await client.query<{ n: string }>(
      "SELECT count(*) AS n FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
    )
    return { ...counts, tables: Number(rows[0]?.n) }
  } finally {
    await client.query("ROLLBACK")
  }
}

async function plainTables(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class
      WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND NOT relrowsecurity AND relname = ANY ($1)
      ORDER BY relname`,
    [tables],
  )
  return rows.map(({ name }) => name)
}
