/** An older claim changes nothing, wherever it tries, and what it still has under way ends before a younger one acts. */
import { strict as assert } from "node:assert"
import type { Test } from "uvu"
import type { Fence } from "../../../sidecar/drivers/driver.ts"
import { Tenant } from "./tenant.ts"
import { type Driver, fenceOf, type World } from "./world.ts"

export function fencing<E>(test: Test, world: () => World<E>): void {
  let tenant: Tenant<E>
  let stale: Fence

  test("a tenant is made, and claimed once more", async () => {
    tenant = await new Tenant(world()).make()
    stale = tenant.fence
    tenant.epoch = 2
    await world().driver.databases.raise(tenant.fence)
  })

  const acts: Record<string, (driver: Driver<E>) => Promise<unknown>> = {
    "the claim itself": ({ databases }) => databases.raise(stale),
    "to clone": ({ databases }) => databases.clone(tenant.spec, stale),
    "to prepare": ({ databases }) => databases.prepare(tenant.spec, stale),
    "to open": ({ databases }) => databases.open(tenant.spec, stale),
    "to repair rights": ({ databases }) => databases.repairRights(tenant.spec, stale),
    "to give connections": ({ databases }) => databases.giveConnections(tenant.spec, stale),
    "to drop": ({ databases }) => databases.drop(tenant.spec, stale),
    "to make files": ({ target }) => target.files.ensure(tenant.spec, stale),
    "to remove files": ({ target }) => target.files.remove(stale),
    "to start": ({ target }) => target.runtime.ensure(tenant.spec, stale),
    "to stop": ({ target }) => target.runtime.stop(stale, 0),
    "to remove the runtime": ({ target }) => target.runtime.remove(stale),
    "to back up": ({ target }) => target.backups.take(tenant.spec, stale),
    "to shelve a backup": ({ target }) => target.backups.shelve(stale),
    "to route": async ({ target }) =>
      target.router.apply(stale, await target.runtime.endpoint(tenant.fence), [], { kind: "maintenance" }),
    "to remove the route": ({ target }) => target.router.remove(stale),
  }
  for (const [name, act] of Object.entries(acts)) {
    test(`an older claim is refused: ${name}`, async () => {
      const before = await everything(tenant)
      for (const driver of [world().driver, await world().another()]) {
        await assert.rejects(act(driver), { name: "StaleEpoch" })
      }
      assert.deepEqual(await everything(tenant), before)
    })
  }

  test("whoever follows a claim that has told its end knows of it, and nobody else does", async () => {
    const other = new Tenant(world())
    const { databases } = world().driver
    const raise = (epoch: number) => databases.raise(fenceOf(other.id, epoch))
    assert.equal(await raise(1), "unknown")
    assert.equal(await raise(2), "unknown")
    await databases.settle(fenceOf(other.id, 2))
    assert.equal(await raise(4), "ended")
    // Asked again by the same claim, and by a sidecar that comes too late.
    assert.equal(await raise(4), "ended")
    await assert.rejects(raise(3), { name: "StaleEpoch" })
    assert.equal(await raise(5), "unknown")
    await databases.settle(fenceOf(other.id, 4))
    assert.equal(await raise(6), "unknown")
  })

  test("a younger claim ends what an older one still has under way in PostgreSQL", async () => {
    const other = new Tenant(world())
    const old = fenceOf(other.id, 1)
    const { databases } = world().driver
    await databases.raise(old)
    // The older one's command hangs: somebody sits on the template that it wants to copy.
    const template = String(
      (await world().asSuperuser("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'tpl%'")).rows[0]
        ?.datname,
    )
    const release = await hold(world(), template)
    const hanging = databases.clone(other.spec, old).then(
      () => "done",
      (error: Error) => error.name,
    )
    await actsOf(world(), other.id, 1)
    other.epoch = 2
    await databases.raise(other.fence)
    const began = Date.now()
    const younger = databases.clone(other.spec, other.fence)
    assert.notEqual(await hanging, "done")
    await release()
    await younger
    assert.ok(Date.now() - began < 20_000)
    assert.equal((await databases.observe(other.spec)).stage, "cloned")
    await actsOf(world(), other.id, 0)
    await other.remove()
  })

  test("an act whose lease is lost is called off in PostgreSQL too", async () => {
    const other = new Tenant(world())
    const lease = new AbortController()
    const template = String(
      (await world().asSuperuser("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'tpl%'")).rows[0]
        ?.datname,
    )
    const release = await hold(world(), template)
    const hanging = world().driver.databases.clone(other.spec, fenceOf(other.id, 1, lease.signal))
    const outcome = assert.rejects(hanging)
    await actsOf(world(), other.id, 1)
    lease.abort()
    await outcome
    await release()
    await actsOf(world(), other.id, 0)
    assert.equal((await world().driver.databases.observe(other.spec)).stage, "absent")
    await other.remove()
  })

  test("the tenant is taken away by the younger claim", async () => {
    await tenant.remove()
    assert.equal(await world().incarnation(tenant.id), null)
  })
}

async function everything<E>(tenant: Tenant<E>): Promise<unknown> {
  const { databases, target } = tenant.world.driver
  return {
    database: await databases.observe(tenant.spec),
    files: await target.files.observe(tenant.id),
    runtime: await target.runtime.observe(tenant.id),
    incarnation: await tenant.world.incarnation(tenant.id),
    route: await target.router.observe(tenant.id),
    backup: await target.backups.observe(tenant.id),
  }
}

/** Locks a database so that nothing can be made of it until the answer is called. */
async function hold(world: World<unknown>, database: string): Promise<() => Promise<void>> {
  const seconds = 60
  const lock = `BEGIN; COMMENT ON DATABASE ${database} IS 'held'; SELECT pg_sleep(${seconds}); ROLLBACK`
  const marker = `held for a test ${Math.random()}`
  const held = world.asSuperuser("postgres", `SET application_name = '${marker}'; ${lock}`).catch(() => undefined)
  const pids = `SELECT pid FROM pg_stat_activity WHERE application_name = '${marker}' AND wait_event = 'PgSleep'`
  while ((await world.asSuperuser("postgres", pids)).rowCount === 0) await new Promise((go) => setTimeout(go, 20))
  return async () => {
    await world.asSuperuser("postgres", `SELECT pg_terminate_backend(pid) FROM (${pids}) held`)
    await held
  }
}

/** Waits until so many commands of a tenant's acts are under way in PostgreSQL. */
async function actsOf(world: World<unknown>, tenant: string, count: number): Promise<void> {
  const deadline = Date.now() + 10_000
  const question = `SELECT FROM pg_stat_activity WHERE application_name LIKE 'saas act ${tenant} %' AND state = 'active' AND query LIKE 'CREATE DATABASE%'`
  while ((await world.asSuperuser("postgres", question)).rowCount !== count) {
    assert.ok(Date.now() < deadline, `not ${count} acts of ${tenant} under way within 10 s`)
    await new Promise((go) => setTimeout(go, 20))
  }
}
