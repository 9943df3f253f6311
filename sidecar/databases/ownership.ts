/**
 * Hands the objects of a clone to the tenant's own role. Not REASSIGN OWNED: inside a clone that also hands over
 * shared objects, such as the template's database. The database itself stays the operator's.
 */
import type pg from "pg"
import { ident, literal } from "./operator.ts"

/** Run in the clone, in a transaction. Objects that belong to an extension, a table or a column go with those. */
export async function handOver(client: pg.Client, from: string, to: string): Promise<void> {
  const ours = `pg_get_userbyid(%OWNER%) = ${literal(from)}`
  const notExtension = (catalog: string) =>
    `NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = '${catalog}'::regclass AND d.objid = o.oid AND d.deptype IN ('e', 'a', 'i'))`
  // The new owner must be allowed to create where the objects are.
  await client.query(`GRANT USAGE, CREATE ON SCHEMA public TO ${ident(to)}`)
  await client.query(`
    DO $$
    DECLARE statement text;
    BEGIN
      FOR statement IN
        SELECT format('ALTER %s %s OWNER TO ${ident(to)}',
                      CASE o.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
                                     WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END,
                      o.oid::regclass)
          FROM pg_class o
         WHERE o.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND ${ours.replace("%OWNER%", "o.relowner")}
           AND ${notExtension("pg_class")}
        UNION ALL
        SELECT format('ALTER ROUTINE %s OWNER TO ${ident(to)}', o.oid::regprocedure)
          FROM pg_proc o
         WHERE ${ours.replace("%OWNER%", "o.proowner")} AND ${notExtension("pg_proc")}
        UNION ALL
        SELECT format('ALTER TYPE %s OWNER TO ${ident(to)}', o.oid::regtype)
          FROM pg_type o
         WHERE o.typtype IN ('e', 'd') AND ${ours.replace("%OWNER%", "o.typowner")} AND ${notExtension("pg_type")}
        UNION ALL
        SELECT format('ALTER SCHEMA %I OWNER TO ${ident(to)}', o.nspname)
          FROM pg_namespace o
         WHERE ${ours.replace("%OWNER%", "o.nspowner")} AND ${notExtension("pg_namespace")}
      LOOP
        EXECUTE statement;
      END LOOP;
    END $$`)
  await client.query(`REVOKE ALL ON SCHEMA public FROM ${ident(from)}`)
}
