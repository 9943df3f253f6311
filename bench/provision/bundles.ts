/** Asset bundles, which take Odoo a second each to build: they belong into the template. */
import type { Cluster } from "../../scripts/lib/postgres.ts"

/** The time as PostgreSQL has it, in the form in which Odoo keeps times. */
export function momentOf(postgres: Cluster): Promise<string> {
  return postgres.query("postgres", async (client) => {
    const { rows } = await client.query<{ moment: string }>("SELECT (now() AT TIME ZONE 'UTC')::text AS moment")
    return (rows[0] as { moment: string }).moment
  })
}

/** How many bundles were built in that database since then; those that came with the template are older. */
export function bundlesSince(postgres: Cluster, database: string, moment: string): Promise<number> {
  return postgres.query(database, async (client) => {
    const { rows } = await client.query<{ all: number; since: number }>(
      `SELECT count(*)::int AS all, count(*) FILTER (WHERE create_date >= $1::timestamp)::int AS since
         FROM ir_attachment WHERE url LIKE '/web/assets/%'`,
      [moment],
    )
    const { all, since } = rows[0] as { all: number; since: number }
    // A change of Odoo's that keeps them elsewhere must not look like a success.
    if (all === 0) throw new Error(`${database} has no bundles at all: Odoo keeps them in another way than before.`)
    return since
  })
}
