/** SIGKILL for the sidecar after every kind of step in the life of a tenant: it goes on as if nothing had been. */
import { strict as assert } from "node:assert"
import { suite } from "uvu"
import { assertOneOfEach, takeCensus } from "../helpers/census.ts"
import { Intruder } from "../helpers/hostile.ts"
import { type Installation, makeInstallation } from "../helpers/installation.ts"
import { Master } from "../helpers/master.ts"
import { confirmQuotation, deleteForGood, type TenantRow, waitForPhase } from "../helpers/sales.ts"
import { SidecarLog } from "../helpers/sidecar-log.ts"
import { visit } from "../helpers/tenant.ts"

const test = suite("a sidecar killed after each step")

let it: Installation
let master: Master
let tenant: TenantRow

test.before(async () => {
  it = await makeInstallation("crash", { parts: "all", sidecarEnv: { LEASE_SECONDS: "3", POLL_SECONDS: "1" } })
  master = new Master(it.master)
})

test.after(() => it.destroy())

/** Begins something, kills the sidecar after each of these steps, and starts it again each time. */
async function killAfterEach(steps: readonly string[], begin: () => Promise<void>): Promise<void> {
  // One look at the whole log: a quick step may have ended before the kill that followed the one before it.
  const log = new SidecarLog(it.sidecar.log)
  await begin()
  for (const step of steps) {
    await log.stepEnded(step)
    await it.sidecar.kill()
    await it.sidecar.start()
  }
}

test("while a tenant is made", async () => {
  const steps = [
    "clone_database",
    "prepare_database",
    "create_files",
    "open_database",
    // Not after the start: by the time that another worker goes on, there may be nothing left to wait for.
    "await_ready",
    "bootstrap",
    "apply_settings",
    "route",
  ]
  await killAfterEach(steps, async () => {
    tenant = await confirmQuotation(master, { slug: "phoenix" })
  })
  await waitForPhase(master, tenant.id, "running")
  await assertOneOfEach(it, master, [tenant.ref])
  assert.equal((await visit(`${tenant.url}/web/login`)).status, 200)
})

test("while it is suspended and resumed", async () => {
  await killAfterEach(["route", "stop_runtime"], async () => {
    await master.call("saas.tenant.suspend", "action_confirm", [
      [await master.create("saas.tenant.suspend", { tenant_id: tenant.id, reason: "An invoice is unpaid." })],
    ])
  })
  await waitForPhase(master, tenant.id, "suspended")
  const page = await visit(tenant.url)
  assert.equal(page.status, 503)
  assert.match(page.body, /An invoice is unpaid\./)
  assert.deepEqual((await takeCensus(it)).processes, [])

  await killAfterEach(["start_runtime"], async () => {
    await master.call("saas.tenant", "action_resume", [[tenant.id]])
  })
  await waitForPhase(master, tenant.id, "running")
  await assertOneOfEach(it, master, [tenant.ref])
})

test("while it gets another address", async () => {
  await killAfterEach(["route"], async () => {
    await master.call("saas.tenant.rename", "action_confirm", [
      [await master.create("saas.tenant.rename", { tenant_id: tenant.id, slug: "phoenix-reborn" })],
    ])
  })
  tenant = await waitForPhase(master, tenant.id, "running")
  assert.equal((await visit(`${it.tenantUrl("phoenix-reborn")}/web/login`)).status, 200)
  assert.equal((await visit(`${it.tenantUrl("phoenix")}/web/login`)).status, 404)
})

test("while its rights and its users are put right", async () => {
  const intruder = new Intruder(it.stateDir, tenant.ref)
  const look = () => master.call<void>("saas.tenant", "action_retry", [[tenant.id]])
  assert.equal(await intruder.sql(tenant.ref, `ALTER ROLE ${tenant.ref} PASSWORD 'mine'`), "done")
  await killAfterEach(["repair_rights"], look)
  await waitForPhase(master, tenant.id, "running")

  const crowd = `INSERT INTO res_users (login, partner_id, company_id, active, share, notification_type)
    SELECT 'sneaky' || n, (SELECT partner_id FROM res_users WHERE id = 2), 1, true, false, 'email' FROM generate_series(1, 9) n`
  assert.equal(await intruder.sql(tenant.ref, crowd), "done")
  await killAfterEach(["deactivate_users"], look)
  await waitForPhase(master, tenant.id, "running")
  const left = "SELECT count(*) FROM res_users WHERE active AND NOT share AND id <> 1"
  assert.equal(await intruder.sql(tenant.ref, left), "5")
  await assertOneOfEach(it, master, [tenant.ref])
})

test("while it is deleted", async () => {
  const steps = ["route", "stop_runtime", "back_up", "verify_backup", "drop_database", "remove_files", "remove_route"]
  await killAfterEach(steps, () => deleteForGood(master, tenant))
  await waitForPhase(master, tenant.id, "deleted")
  await assertOneOfEach(it, master, [])
})

test.run()
