/** A dump has to read everything: what a tenant can do to its own tables must not keep a backup from being made. */
import type pg from "pg"

interface Closed {
  readonly name: string
  readonly forced: boolean
  readonly readable: boolean
}

/**
 * The operator is a member of the tenant's role and so counts as an owner; those are kept out of a table by row
 * security that is forced on them, and by rights that were taken from the owner.
 */
export async function makeReadable(client: pg.Client): Promise<void> {
  const { rows } = await client.query<Closed>(
    `SELECT c.oid::regclass::text AS name, c.relforcerowsecurity AS forced,
            CASE c.relkind WHEN 'S' THEN has_sequence_privilege(c.oid, 'SELECT')
                           ELSE has_table_privilege(c.oid, 'SELECT') END AS readable
       FROM pg_class c
      WHERE c.relkind IN ('r', 'p', 'm', 'v', 'S') AND pg_has_role(c.relowner, 'MEMBER')
        AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)`,
  )
  for (const { name, forced, readable } of rows) {
    if (forced) await client.query(`ALTER TABLE ${name} NO FORCE ROW LEVEL SECURITY`)
    if (!readable) await client.query(`GRANT SELECT ON ${name} TO CURRENT_USER`)
  }
}
