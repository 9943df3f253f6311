/** What a tenant can do with the role and the password of its own Odoo: nothing outside of its database. */
import { strict as assert } from "node:assert"
import type { Test } from "uvu"
import { until } from "../../helpers/wait.ts"
import { Tenant } from "./tenant.ts"
import type { World } from "./world.ts"

export function hostileRole<E>(test: Test, world: () => World<E>): void {
  let one: Tenant<E>
  let two: Tenant<E>

  const observe = () => world().driver.databases.observe(one.spec)
  const sql = (statement: string) => world().asTenant(one.id, one.id, statement)

  test("two tenants are made", async () => {
    one = await new Tenant(world()).makeDatabase()
    two = await new Tenant(world()).makeDatabase()
  })

  test("a tenant connects to its own database and to no other", async () => {
    const { rows } = await world().asSuperuser(
      "postgres",
      "SELECT datname FROM pg_database WHERE datname <> 'template0'",
    )
    const others = rows.map(({ datname }) => String(datname)).filter((name) => name !== one.id)
    for (const name of ["postgres", "template1", "saas_operator", two.id]) assert.ok(others.includes(name), name)
    for (const name of others) {
      await assert.rejects(world().asTenant(one.id, name, "SELECT 1"), /no pg_hba.conf entry|permission denied/, name)
    }
  })

  test("no comment that a tenant can read tells what others have", async () => {
    const shared = "SELECT string_agg(description, ' ') AS all FROM pg_shdescription"
    const comments = String((await world().asTenant(one.id, one.id, shared)).rows[0]?.all)
    assert.match(comments, new RegExp(one.id))
    assert.doesNotMatch(comments, /contacts|modules|sources/)
  })

  test("a tenant makes nothing outside of its database", async () => {
    for (const statement of [
      "CREATE DATABASE mine",
      "CREATE ROLE mine",
      `DROP DATABASE ${two.id}`,
      `ALTER DATABASE ${one.id} CONNECTION LIMIT 100`,
      `ALTER DATABASE ${one.id} OWNER TO ${one.id}`,
      `ALTER DATABASE ${one.id} SET statement_timeout = 1`,
      `COMMENT ON DATABASE ${one.id} IS 'mine'`,
      `ALTER ROLE ${one.id} CONNECTION LIMIT 100`,
      `ALTER ROLE ${one.id} CREATEDB`,
      `ALTER ROLE ${two.id} PASSWORD 'x'`,
      `GRANT ${two.id} TO ${one.id}`,
      `GRANT saas_operator TO ${one.id}`,
      "SET ROLE saas_operator",
      `SET ROLE ${two.id}`,
      "SET SESSION AUTHORIZATION saas_operator",
      "COPY (SELECT 1) TO '/tmp/out'",
      "COPY res_users FROM PROGRAM 'id'",
      "SELECT pg_read_file('/etc/passwd')",
      "SELECT lo_import('/etc/passwd')",
      "CREATE EXTENSION dblink",
      "CREATE LANGUAGE plpython3u",
      "SELECT * FROM pg_authid",
      "ALTER SYSTEM SET work_mem = '1GB'",
    ]) {
      await assert.rejects(sql(statement), (error: Error) => error.name !== "AssertionError", statement)
    }
    assert.deepEqual(await observe(), { stage: "open", rights: "right" })
  })

  test("a tenant cannot open its database to others", async () => {
    // PostgreSQL answers with a warning: there is nothing that it may grant.
    await sql(`GRANT ALL ON DATABASE ${one.id} TO PUBLIC`)
    const acl = await world().asSuperuser(
      "postgres",
      `SELECT datacl::text FROM pg_database WHERE datname = '${one.id}'`,
    )
    assert.doesNotMatch(String(acl.rows[0]?.datacl), /[{,]=/)
    await assert.rejects(world().asTenant(two.id, one.id, "SELECT 1"))
  })

  for (const [what, statement] of [
    ["another password", (id: string) => `ALTER ROLE ${id} PASSWORD 'known to others'`],
    ["a setting", (id: string) => `ALTER ROLE ${id} SET search_path = evil`],
    ["a setting in its database", (id: string) => `ALTER ROLE ${id} IN DATABASE ${id} SET search_path = evil`],
  ] as const) {
    test(`a role that gave itself ${what} is seen as wrong and put right`, async () => {
      await sql(statement(one.id))
      assert.deepEqual(await observe(), { stage: "open", rights: "wrong" })
      await world().driver.databases.repairRights(one.spec, one.fence)
      assert.deepEqual(await observe(), { stage: "open", rights: "right" })
      assert.equal((await sql("SELECT count(*)::int AS n FROM res_users")).rowCount, 1)
    })
  }

  test("grants that somebody made with more rights are seen as wrong and put right", async () => {
    for (const grant of [`CONNECT ON DATABASE ${one.id} TO PUBLIC`, `CREATE ON DATABASE ${one.id} TO ${one.id}`]) {
      await world().asSuperuser("postgres", `GRANT ${grant}`)
      assert.deepEqual(await observe(), { stage: "open", rights: "wrong" }, grant)
      await world().driver.databases.repairRights(one.spec, one.fence)
      assert.deepEqual(await observe(), { stage: "open", rights: "right" }, grant)
    }
    await world().asSuperuser("postgres", `REVOKE CONNECT ON DATABASE ${one.id} FROM ${one.id}`)
    assert.deepEqual(await observe(), { stage: "open", rights: "wrong" })
    await world().driver.databases.repairRights(one.spec, one.fence)
    assert.deepEqual(await observe(), { stage: "open", rights: "right" })
  })

  test("another role that may act as it is seen as wrong, and put right by whoever can", async () => {
    const { databases } = world().driver
    const asSuperuser = (statement: string) => world().asSuperuser("postgres", statement)
    await asSuperuser(`GRANT ${one.id} TO ${two.id}`)
    assert.deepEqual(await observe(), { stage: "open", rights: "wrong" })
    const { rows } = await asSuperuser("SHOW server_version_num")
    // From PostgreSQL 16 on, what a superuser has given only a superuser can take back.
    if (Number(rows[0]?.server_version_num) >= 160_000) {
      await assert.rejects(databases.repairRights(one.spec, one.fence), /only a superuser of PostgreSQL can end that/)
      await asSuperuser(`REVOKE ${one.id} FROM ${two.id} CASCADE`)
    }
    await databases.repairRights(one.spec, one.fence)
    assert.deepEqual(await observe(), { stage: "open", rights: "right" })
  })

  test("a plan that gives more connections changes the limit of the role, and one that gives fewer", async () => {
    const spec = { ...one.spec, limits: { ...one.spec.limits, connections: 20 } }
    const { databases } = world().driver
    assert.deepEqual(await databases.observe(spec), { stage: "open", rights: "short" })
    await databases.repairRights(spec, one.fence)
    assert.deepEqual(await databases.observe(spec), { stage: "open", rights: "short" }, "that is another question")
    await databases.giveConnections(spec, one.fence)
    assert.deepEqual(await databases.observe(spec), { stage: "open", rights: "right" })
    assert.deepEqual(await observe(), { stage: "open", rights: "wrong" })
    await databases.repairRights(one.spec, one.fence)
    assert.deepEqual(await observe(), { stage: "open", rights: "right" })
  })

  test("connections that the server cannot promise are refused with what to do, and it keeps what it had", async () => {
    const spec = { ...one.spec, limits: { ...one.spec.limits, connections: 100_000 } }
    const { databases } = world().driver
    await assert.rejects(databases.giveConnections(spec, one.fence), (error: Error) => {
      assert.equal(error.name, "PermanentError")
      assert.match(error.message, /no room for the connections of this plan: .* it needs 99990 more\. .*Raise/)
      return true
    })
    assert.deepEqual(await databases.observe(spec), { stage: "open", rights: "short" })
    assert.deepEqual(await observe(), { stage: "open", rights: "right" })
  })

  test("a tenant that uses up its connections does not look broken, and no other has less", async () => {
    const { rows } = await world().asSuperuser(
      "postgres",
      `SELECT rolconnlimit FROM pg_roles WHERE rolname = '${one.id}'`,
    )
    const held = Array.from({ length: Number(rows[0]?.rolconnlimit) + 3 }, () => sql("SELECT pg_sleep(600)"))
    const outcomes = Promise.allSettled(held)
    const busy = `FROM pg_stat_activity WHERE usename = '${one.id}' AND query LIKE '%pg_sleep%'`
    await until("all of its connections are used", async () => {
      const { rowCount } = await world().asSuperuser("postgres", `SELECT ${busy}`)
      return rowCount === Number(rows[0]?.rolconnlimit)
    })
    assert.deepEqual(await observe(), { stage: "open", rights: "right" })
    // It must not keep anybody from looking at it: what cannot be looked at cannot be suspended.
    assert.equal(await world().driver.databases.usage(one.spec), null)
    assert.equal((await world().asTenant(two.id, two.id, "SELECT 1")).rowCount, 1)
    await world().asSuperuser("postgres", `SELECT pg_terminate_backend(pid) ${busy}`)
    const refused = (await outcomes).filter(
      (outcome) => outcome.status === "rejected" && /too many connections/.test(String(outcome.reason)),
    )
    assert.ok(refused.length >= 3, `${refused.length} were refused`)
  })

  test("code that a tenant hides behind its tables never runs as the operator", async () => {
    await sql(`
      CREATE TABLE caught (who text, session text);
      CREATE FUNCTION trap() RETURNS boolean LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO public.caught VALUES (current_user, session_user); RETURN true; END $$;
      ALTER TABLE res_users RENAME TO hidden;
      CREATE VIEW res_users AS SELECT * FROM hidden WHERE trap();
      ALTER TABLE ir_attachment ENABLE ROW LEVEL SECURITY;
      ALTER TABLE ir_attachment FORCE ROW LEVEL SECURITY;
      CREATE POLICY p ON ir_attachment USING (trap());`)
    const { databases, target } = world().driver
    assert.equal((await databases.usage(one.spec))?.activeUsers, 1)
    await databases.observe(one.spec)
    await databases.repairRights(one.spec, one.fence)
    await target.backups.take(one.spec, one.fence).catch(() => undefined)
    await target.backups.verify(one.spec, one.fence).catch(() => undefined)
    const caught = await one.look(`SELECT DISTINCT who, session FROM caught WHERE '${one.id}' NOT IN (who, session)`)
    assert.deepEqual(caught, [])
  })

  test("a tenant that hides its tables from everybody is counted for nothing, looked at and backed up", async () => {
    const { databases, target } = world().driver
    for (const code of ["57P03", "53100"]) {
      await sql(`
        CREATE OR REPLACE FUNCTION away() RETURNS boolean LANGUAGE plpgsql AS
          $$ BEGIN RAISE EXCEPTION 'the database system is shutting down' USING ERRCODE = '${code}'; END $$;
        ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
        ALTER TABLE hidden FORCE ROW LEVEL SECURITY;
        DROP POLICY IF EXISTS gone ON hidden;
        CREATE POLICY gone ON hidden USING (away());`)
      assert.equal(await databases.usage(one.spec), null, code)
      assert.deepEqual(await observe(), { stage: "open", rights: "right" })
    }
    await sql(`REVOKE ALL ON res_partner FROM ${one.id}`)
    await target.backups.take(one.spec, one.fence)
    await target.backups.verify(one.spec, one.fence)
    assert.equal(await target.backups.observe(one.id), "verified")
  })

  test("a tenant that breaks its own tables does not keep anybody from looking at it", async () => {
    await sql("DROP TABLE hidden CASCADE; CREATE VIEW res_users AS SELECT 1/0 AS id, true AS active")
    assert.equal(await world().driver.databases.usage(one.spec), null)
    assert.deepEqual(await observe(), { stage: "open", rights: "right" })
  })

  test("two tenants are taken away", async () => {
    await Promise.all([one.remove(), two.remove()])
  })
}
