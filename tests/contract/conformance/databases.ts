/** A tenant's database: made in stages, with an identity and a role of its own, and closed to everybody else. */
import { strict as assert } from "node:assert"
import type { Test } from "uvu"
import type { DatabaseStage } from "../../../sidecar/domain/plan.ts"
import { until } from "../../helpers/wait.ts"
import { seeAllLeft, Tenant } from "./tenant.ts"
import { fenceOf, newId, specOf, type World } from "./world.ts"

export function databases<E>(test: Test, world: () => World<E>): void {
  const setting = async (change: string) => {
    await world().asSuperuser("postgres", `ALTER SYSTEM ${change}`)
    await world().asSuperuser("postgres", "SELECT pg_reload_conf()")
  }

  test("what was never made is seen as absent everywhere", async () => {
    const { driver } = world()
    const id = newId()
    const spec = specOf(world(), id)
    assert.deepEqual(await driver.databases.observe(spec), { stage: "absent", rights: "right" })
    assert.equal(await driver.databases.usage(spec), null)
    assert.equal(await driver.target.files.observe(id), "absent")
    assert.deepEqual(await driver.target.runtime.observe(id), { state: "stopped", fingerprint: "", crashes: 0 })
    assert.deepEqual(await driver.target.router.observe(id), { hosts: [], state: { kind: "none" } })
    assert.equal(await driver.target.backups.observe(id), "absent")
  })

  test("a template that is ready is seen by every sidecar, and building it again changes nothing", async () => {
    const { driver, template } = world()
    const before = await templatesIn(world())
    const other = await world().another()
    const subject = `tpl_${template.key}`
    await Promise.all([
      driver.templates.build(template, fenceOf(subject)),
      other.templates.build(template, fenceOf(subject)),
    ])
    assert.equal(await driver.templates.observe(template, "local"), "ready")
    assert.equal(await other.templates.observe(template, "local"), "ready")
    assert.deepEqual(await templatesIn(world()), before)
    assert.equal(before.length, 1)
  })

  test("every act brings a database one stage on, and may be done again by another sidecar", async () => {
    const tenant = new Tenant(world())
    const { spec, fence } = tenant
    const [one, two] = [world().driver, await world().another()]
    const acts: [DatabaseStage, (driver: typeof one) => Promise<void>][] = [
      ["cloned", (driver) => driver.databases.clone(spec, fence)],
      ["prepared", (driver) => driver.databases.prepare(spec, fence)],
      ["open", (driver) => driver.databases.open(spec, fence)],
    ]
    for (const [stage, act] of acts) {
      await act(one)
      assert.deepEqual(await two.databases.observe(spec), { stage, rights: "right" })
      await act(two)
      assert.deepEqual(await one.databases.observe(spec), { stage, rights: "right" })
    }
    // A reply that was lost lets a step be done again when the tenant has long been at work.
    await tenant.look("UPDATE res_users SET password = 'of the customer' WHERE id = 2")
    const uuid = await parameter(tenant, "database.uuid")
    for (const [, act] of acts) await act(two)
    assert.deepEqual(await one.databases.observe(spec), { stage: "open", rights: "right" })
    assert.equal(await parameter(tenant, "database.uuid"), uuid)
    const [admin] = await tenant.look("SELECT password FROM res_users WHERE id = 2")
    assert.deepEqual(admin, { password: "of the customer" })
    tenant.leave()
  })

  test("a new Odoo speaks the languages of its template without loading anything", async () => {
    const tenant = await new Tenant(world()).makeDatabase()
    const [count] = await tenant.look(
      `SELECT count(*)::int AS languages, (SELECT count(*)::int FROM ir_ui_menu WHERE name ? 'de_DE') AS menus
         FROM res_lang WHERE active AND code = ANY ('{${world().template.languages.join(",")}}')`,
    )
    assert.equal(count?.languages, world().template.languages.length)
    assert.ok(Number(count?.menus) > 10, JSON.stringify(count))
    tenant.leave()
  })

  test("two sidecars that clone the same tenant in the same instant make one database", async () => {
    const tenant = new Tenant(world())
    const other = await world().another()
    const clones = [world().driver, other].map((driver) => driver.databases.clone(tenant.spec, tenant.fence))
    assert.deepEqual(
      (await Promise.allSettled(clones)).map(({ status }) => status),
      ["fulfilled", "fulfilled"],
    )
    assert.equal((await world().driver.databases.observe(tenant.spec)).stage, "cloned")
    tenant.leave()
  })

  test("nobody gets into a database before it is open", async () => {
    const tenant = new Tenant(world())
    await world().driver.databases.clone(tenant.spec, tenant.fence)
    await assert.rejects(world().asSuperuser(tenant.id, "SELECT 1"), /not currently accepting connections/)
    await world().driver.databases.prepare(tenant.spec, tenant.fence)
    await assert.rejects(world().asTenant(tenant.id, tenant.id, "SELECT 1"), /permission denied/)
    await world().driver.databases.open(tenant.spec, tenant.fence)
    assert.equal((await world().asTenant(tenant.id, tenant.id, "SELECT 1")).rowCount, 1)
    tenant.leave()
  })

  test("a database that is not prepared cannot be opened", async () => {
    const tenant = new Tenant(world())
    await world().driver.databases.clone(tenant.spec, tenant.fence)
    await assert.rejects(world().driver.databases.open(tenant.spec, tenant.fence), { name: "RetryableError" })
    assert.equal((await world().driver.databases.observe(tenant.spec)).stage, "cloned")
    tenant.leave()
  })

  test("clones share nothing that identifies them, and none has the password of a template", async () => {
    const tenants = [await new Tenant(world()).makeDatabase(), await new Tenant(world()).makeDatabase()] as const
    const [one, two] = await Promise.all(tenants.map(identityOf))
    assert.ok(one && two)
    for (const key of ["database.uuid", "database.secret"]) {
      assert.ok(String(one[key]).length >= 32, `${key} is ${one[key]}`)
      assert.notEqual(one[key], two[key], key)
    }
    assert.ok(one["database.create_date"])
    assert.equal(one["ir_attachment.location"], undefined)
    const dates = await Promise.all(
      tenants.map((tenant) => tenant.look("SELECT id, nextcall FROM ir_cron ORDER BY id")),
    )
    assert.notDeepEqual(dates[0], dates[1])
    for (const tenant of tenants) {
      const users = await tenant.look("SELECT login FROM res_users WHERE password IS NOT NULL")
      assert.deepEqual(users, [])
      tenant.leave()
    }
  })

  test("the tenant's role owns every object of its database, and the database itself does not belong to it", async () => {
    const tenant = await new Tenant(world()).makeDatabase()
    const strangers = await tenant.look(`
      SELECT relname AS name, relkind::text AS kind, pg_get_userbyid(relowner) AS owner
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND pg_get_userbyid(relowner) <> '${tenant.id}'
         AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = pg_class.oid AND d.deptype = 'e')
      UNION ALL
      SELECT proname, 'function', pg_get_userbyid(proowner)
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND pg_get_userbyid(proowner) <> '${tenant.id}'
         AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = pg_proc.oid AND d.deptype = 'e')`)
    assert.deepEqual(strangers, [])
    const [row] = await tenant.look(
      `SELECT pg_get_userbyid(datdba) = '${tenant.id}' AS own FROM pg_database WHERE datname = '${tenant.id}'`,
    )
    assert.deepEqual(row, { own: false })
    // What its Odoo needs: to change, make and drop what is in there.
    const work = "CREATE TABLE x (a int); ALTER TABLE res_partner ADD COLUMN x_y int; DROP TABLE x"
    await world().asTenant(tenant.id, tenant.id, work)
    tenant.leave()
  })

  test("users and size are counted from outside, the operator's staff left out", async () => {
    const tenant = await new Tenant(world(), { staffLogins: ["staff@operator.example"] }).makeDatabase()
    const { databases } = world().driver
    const before = await databases.usage(tenant.spec)
    assert.equal(before?.activeUsers, 1)
    assert.ok(before.megabytes > 5, `${before.megabytes} MB`)
    const add = (login: string) =>
      world().asTenant(
        tenant.id,
        tenant.id,
        `INSERT INTO res_users (login, active, share, company_id, partner_id, notification_type)
         SELECT '${login}', true, false, company_id, partner_id, notification_type FROM res_users WHERE id = 2`,
      )
    await add("staff@operator.example")
    assert.equal((await databases.usage(tenant.spec))?.activeUsers, 1)
    await add("by-sql@acme.example")
    assert.equal((await databases.usage(tenant.spec))?.activeUsers, 2)
    tenant.leave()
  })

  test("a database of another installation is never touched", async () => {
    const tenant = new Tenant(world())
    const { databases } = world().driver
    const mark = JSON.stringify({ installation: "somebody else", subject: tenant.id, stage: "open" })
    await world().asSuperuser("postgres", `CREATE DATABASE ${tenant.id} OWNER saas_operator`)
    await world().asSuperuser("postgres", `COMMENT ON DATABASE ${tenant.id} IS '${mark}'`)
    await world().asSuperuser(tenant.id, "CREATE TABLE theirs (a int)")
    assert.equal((await databases.observe(tenant.spec)).stage, "foreign")
    const acts = ["clone", "prepare", "open", "repairRights"] as const
    for (const act of acts) {
      await assert.rejects(databases[act](tenant.spec, tenant.fence), { name: "PermanentError" }, act)
    }
    await assert.rejects(databases.drop(tenant.spec, tenant.fence), { name: "PermanentError" })
    assert.equal((await databases.observe(tenant.spec)).stage, "foreign")
    assert.equal((await tenant.look("SELECT count(*)::int AS n FROM theirs"))[0]?.n, 0)
    await world().asSuperuser("postgres", `DROP DATABASE ${tenant.id}`)
  })

  test("dropping takes the database and the role, once or twice, and nobody else's", async () => {
    const [one, two] = [await new Tenant(world()).makeDatabase(), await new Tenant(world()).makeDatabase()]
    await world().driver.databases.drop(one.spec, one.fence)
    await world().driver.databases.drop(one.spec, one.fence)
    assert.deepEqual(await world().driver.databases.observe(one.spec), { stage: "absent", rights: "right" })
    assert.deepEqual(await world().driver.databases.observe(two.spec), { stage: "open", rights: "right" })
    const left = await world().asSuperuser("postgres", `SELECT FROM pg_roles WHERE rolname = '${one.id}'`)
    assert.equal(left.rowCount, 0)
    one.leave()
    two.leave()
  })

  test("a database is dropped although PostgreSQL is at work in it by itself", async () => {
    const tenant = await new Tenant(world()).makeDatabase()
    const settings = {
      autovacuum_naptime: "1s",
      autovacuum_vacuum_cost_delay: "100ms",
      autovacuum_vacuum_cost_limit: "1",
    }
    for (const [name, value] of Object.entries(settings)) await setting(`SET ${name} = '${value}'`)
    await tenant.look("CREATE TABLE dead AS SELECT i, repeat('x', 200) FROM generate_series(1, 50000) i")
    await tenant.look("DELETE FROM dead")
    const worker = `SELECT FROM pg_stat_activity WHERE datname = '${tenant.id}' AND backend_type = 'autovacuum worker'`
    const isAtWork = async () => (await world().asSuperuser("postgres", worker)).rowCount !== 0
    await until("autovacuum is at work in it", isAtWork)
    await world().driver.databases.drop(tenant.spec, tenant.fence)
    assert.deepEqual(await world().driver.databases.observe(tenant.spec), { stage: "absent", rights: "right" })
    for (const name of Object.keys(settings)) await setting(`RESET ${name}`)
    await tenant.remove()
  })

  test("a deletion that was killed after it had closed the database goes on", async () => {
    const tenant = await new Tenant(world()).makeDatabase()
    const { databases } = world().driver
    await world().asSuperuser("postgres", `ALTER DATABASE ${tenant.id} WITH ALLOW_CONNECTIONS false`)
    assert.deepEqual(await databases.observe(tenant.spec), { stage: "open", rights: "wrong" })
    assert.equal(await databases.usage(tenant.spec), null)
    // Somebody may have thought better of it meanwhile.
    await databases.repairRights(tenant.spec, tenant.fence)
    assert.deepEqual(await databases.observe(tenant.spec), { stage: "open", rights: "right" })
    await databases.drop(tenant.spec, tenant.fence)
    assert.equal((await databases.observe(tenant.spec)).stage, "absent")
    tenant.leave()
  })

  test("a deletion that was killed in the middle of dropping goes on", async () => {
    const tenant = await new Tenant(world()).makeDatabase()
    // What PostgreSQL itself writes before it deletes the first file.
    await world().asSuperuser("postgres", `UPDATE pg_database SET datconnlimit = -2 WHERE datname = '${tenant.id}'`)
    assert.deepEqual(await world().driver.databases.observe(tenant.spec), { stage: "open", rights: "wrong" })
    await tenant.remove()
    assert.deepEqual(await world().driver.databases.observe(tenant.spec), { stage: "absent", rights: "right" })
  })

  test("a role that is left over without its database is seen, and taken away", async () => {
    const tenant = await new Tenant(world()).makeDatabase()
    await world().asSuperuser("postgres", `DROP DATABASE ${tenant.id} WITH (FORCE)`)
    assert.deepEqual(await world().driver.databases.observe(tenant.spec), { stage: "absent", rights: "wrong" })
    await world().driver.databases.drop(tenant.spec, tenant.fence)
    assert.deepEqual(await world().driver.databases.observe(tenant.spec), { stage: "absent", rights: "right" })
    tenant.leave()
  })

  test("nothing is left of all these tenants", async () => {
    const left = await seeAllLeft()
    assert.ok(left.length >= 10)
    const { rows } = await world().asSuperuser("postgres", "SELECT rolname AS name FROM pg_roles")
    const { files } = world().driver.target
    const there = await Promise.all(left.map(async (id) => ((await files.observe(id)) === "present" ? [id] : [])))
    assert.deepEqual(there.flat(), [])
    assert.deepEqual(
      rows.filter(({ name }) => left.includes(name)),
      [],
    )
  })
}

async function templatesIn(world: World<unknown>): Promise<unknown[]> {
  const { rows } = await world.asSuperuser("postgres", "SELECT oid, datname FROM pg_database WHERE datname LIKE 'tpl%'")
  return rows
}

async function parameter(tenant: Tenant<unknown>, key: string): Promise<unknown> {
  return (await identityOf(tenant))[key]
}

async function identityOf(tenant: Tenant<unknown>): Promise<Record<string, unknown>> {
  const rows = await tenant.look("SELECT key, value FROM ir_config_parameter")
  return Object.fromEntries(rows.map(({ key, value }) => [key, value]))
}
