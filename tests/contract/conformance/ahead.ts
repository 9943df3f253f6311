/** Of targets that start an Odoo while its database is being made. */
import { strict as assert } from "node:assert"
import type { Test } from "uvu"
import { until } from "../../helpers/wait.ts"
import { Tenant } from "./tenant.ts"
import type { World } from "./world.ts"

export function ahead<E>(test: Test, world: () => World<E>): void {
  const started = async (): Promise<Tenant<E>> => {
    const { databases, target } = world().driver
    const tenant = new Tenant(world())
    await databases.raise(tenant.fence)
    await target.files.begin?.(tenant.spec, tenant.fence)
    assert.equal(await target.files.observe(tenant.id), "begun")
    await tenant.start()
    const waits = async () => (await target.runtime.logs(tenant.id, 20)).includes("Waiting for the database")
    await until("its Odoo waits for the database", waits, { seconds: 60 })
    return tenant
  }

  test("an Odoo that was started before its database serves as soon as that is open", async () => {
    const { target } = world().driver
    const tenant = await started()
    assert.equal((await target.runtime.observe(tenant.id)).state, "starting")
    await tenant.makeDatabase()
    assert.equal(await target.files.observe(tenant.id), "present")
    await tenant.awaitState("ready")
    await tenant.route({ kind: "up" })
    assert.equal((await tenant.visit()).status, 200)
    assert.equal((await target.runtime.observe(tenant.id)).crashes, 0)
    tenant.leave()
  })

  test("one whose database does not come is stopped at once, and nothing of it is left", async () => {
    const { target } = world().driver
    const tenant = await started()
    const begun = Date.now()
    await tenant.stop(0)
    assert.ok(Date.now() - begun < 20_000, "it is not killed for want of an answer")
    await target.runtime.remove(tenant.fence)
    await target.files.remove(tenant.fence)
    assert.equal(await target.files.observe(tenant.id), "absent")
    assert.deepEqual(await target.runtime.observe(tenant.id), { state: "stopped", fingerprint: "", crashes: 0 })
    await target.router.remove(tenant.fence)
    assert.deepEqual(await target.router.observe(tenant.id), { hosts: [], state: { kind: "none" } })
  })
}
