/** Data goes only after a final backup that was verified, and the backup holds what there was. */
import { strict as assert } from "node:assert"
import type { Test } from "uvu"
import type { Databases, FoundDatabase } from "../../../sidecar/drivers/driver.ts"
import { Tenant } from "./tenant.ts"
import type { World } from "./world.ts"

export function deletion<E>(test: Test, world: () => World<E>): void {
  let tenant: Tenant<E>

  const backups = () => world().driver.target.backups

  test("a tenant is made and used", async () => {
    tenant = await new Tenant(world()).makeDatabase()
    await world().asTenant(tenant.id, tenant.id, "UPDATE res_company SET name = 'Acme & Söhne'")
  })

  test("it is found by any sidecar, whoever knows of it", async () => {
    const { databases, target } = await world().another()
    assert.ok((await target.find()).some(({ id, ownServer }) => id === tenant.id && !ownServer))
    assert.deepEqual(await databasesOf(databases), [{ tenant: tenant.id, server: "local", isThere: true }])
  })

  test("what was never backed up cannot be verified", async () => {
    assert.equal(await backups().observe(tenant.id), "absent")
    await assert.rejects(backups().verify(tenant.spec, tenant.fence), { name: "RetryableError" })
    assert.equal(await backups().observe(tenant.id), "absent")
  })

  test("a backup counts once it was restored and compared", async () => {
    await backups().take(tenant.spec, tenant.fence)
    assert.equal(await backups().observe(tenant.id), "unverified")
    await backups().verify(tenant.spec, tenant.fence)
    assert.equal(await backups().observe(tenant.id), "verified")
    assert.equal(await (await world().another()).target.backups.observe(tenant.id), "verified")
    assert.deepEqual(await scratch(), [])
  })

  test("taken again, it is the new one that has to be verified", async () => {
    await backups().take(tenant.spec, tenant.fence)
    assert.equal(await backups().observe(tenant.id), "unverified")
    await backups().verify(tenant.spec, tenant.fence)
  })

  test("a backup of a deletion that was called off counts no more", async () => {
    await backups().shelve(tenant.fence)
    await backups().shelve(tenant.fence)
    assert.equal(await backups().observe(tenant.id), "absent")
  })

  test("the backup outlives the tenant", async () => {
    await backups().take(tenant.spec, tenant.fence)
    await backups().verify(tenant.spec, tenant.fence)
    await tenant.remove()
    assert.equal(await backups().observe(tenant.id), "verified")
    assert.equal((await world().driver.databases.observe(tenant.spec)).stage, "absent")
  })

  test("gone, it is found no more, and the server remembers who it was", async () => {
    const { databases, target } = world().driver
    assert.deepEqual(
      (await target.find()).filter(({ id }) => id === tenant.id),
      [],
    )
    assert.deepEqual(await databasesOf(databases), [{ tenant: tenant.id, server: "local", isThere: false }])
  })

  async function databasesOf(databases: Databases): Promise<readonly FoundDatabase[]> {
    return (await databases.find([tenant.id])).filter((one) => one.tenant === tenant.id)
  }

  /** Databases and roles that a verification left behind. */
  async function scratch(): Promise<unknown[]> {
    const names = `SELECT datname AS name FROM pg_database UNION SELECT rolname FROM pg_roles`
    const { rows } = await world().asSuperuser(
      "postgres",
      `SELECT name FROM (${names}) n WHERE name LIKE '${tenant.id}_%'`,
    )
    return rows
  }
}
