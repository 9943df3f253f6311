/** SIGKILL for the sidecar after every kind of step in the life of a tenant: it goes on as if nothing had been. */
import { strict as assert } from "node:assert"
import { readdirSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { suite } from "uvu"
import type { Step } from "../../sidecar/domain/plan.ts"
import { assertOneOfEach, takeCensus } from "../helpers/census.ts"
import { Intruder } from "../helpers/hostile.ts"
import { type Installation, makeInstallation } from "../helpers/installation.ts"
import { Killer } from "../helpers/killer.ts"
import { deletingSteps, makingSteps, resumingSteps, suspendingSteps } from "../helpers/life-steps.ts"
import { Master } from "../helpers/master.ts"
import { confirmQuotation, deleteForGood, type TenantRow, waitForPhase } from "../helpers/sales.ts"
import { visit } from "../helpers/tenant.ts"
import { until } from "../helpers/wait.ts"

const test = suite("a sidecar killed after each step")

/** A new kind does not compile until it is here, and the last test fails until the sidecar was killed after it. */
const everyKind: Record<Exclude<Step["kind"], "make_server" | "remove_server">, true> = {
  build_template: true,
  clone_database: true,
  prepare_database: true,
  create_files: true,
  open_database: true,
  repair_rights: true,
  give_connections: true,
  start_runtime: true,
  await_ready: true,
  bootstrap: true,
  apply_settings: true,
  route: true,
  divert: true,
  deactivate_users: true,
  stop_runtime: true,
  back_up: true,
  verify_backup: true,
  shelve_backup: true,
  drop_database: true,
  remove_files: true,
  remove_route: true,
}

let it: Installation
let master: Master
let tenant: TenantRow
let killer: Killer

test.before(async () => {
  it = await makeInstallation("crash", { parts: "all", sidecarEnv: { LEASE_SECONDS: "3", POLL_SECONDS: "1" } })
  master = new Master(it.master)
  killer = new Killer(it.sidecar)
})

test.after(() => it.destroy())

test("while a tenant is made", async () => {
  await killer.afterEach(makingSteps, async () => {
    tenant = await confirmQuotation(master, { slug: "phoenix" })
  })
  await waitForPhase(master, tenant.id, "running")
  await assertOneOfEach(it, master, [tenant.ref])
  assert.equal((await visit(`${tenant.url}/web/login`)).status, 200)
})

test("while it is suspended and resumed", async () => {
  await killer.afterEach(suspendingSteps, async () => {
    await master.call("saas.tenant.suspend", "action_confirm", [
      [await master.create("saas.tenant.suspend", { tenant_id: tenant.id, reason: "An invoice is unpaid." })],
    ])
  })
  await waitForPhase(master, tenant.id, "suspended")
  const page = await visit(tenant.url)
  assert.equal(page.status, 503)
  assert.match(page.body, /This Odoo is paused/)
  assert.deepEqual((await takeCensus(it)).processes, [])

  await killer.afterEach(resumingSteps, async () => {
    await master.call("saas.tenant", "action_resume", [[tenant.id]])
  })
  await waitForPhase(master, tenant.id, "running")
  await assertOneOfEach(it, master, [tenant.ref])
})

test("while it gets another address", async () => {
  await killer.afterEach(["route"], async () => {
    await master.call("saas.tenant.rename", "action_confirm", [
      [await master.create("saas.tenant.rename", { tenant_id: tenant.id, slug: "phoenix-reborn" })],
    ])
  })
  tenant = await waitForPhase(master, tenant.id, "running")
  assert.equal((await visit(`${it.tenantUrl("phoenix-reborn")}/web/login`)).status, 200)
  assert.equal((await visit(`${it.tenantUrl("phoenix")}/web/login`)).status, 404)
})

test("while its plan gives it more connections", async () => {
  await killer.afterEach(["give_connections"], async () => {
    const { plan_id } = await master.read<{ plan_id: [number, string] }>("saas.tenant", tenant.id, ["plan_id"])
    await master.write("product.template", plan_id[0], { saas_connections: 12 })
  })
  await waitForPhase(master, tenant.id, "running")
  const limits = await it.postgres.query("postgres", (client) =>
    client.query(`SELECT rolconnlimit AS most FROM pg_roles WHERE rolname = '${tenant.ref}'`),
  )
  assert.deepEqual(limits.rows, [{ most: 14 }], "twelve, and two for the sidecar's own looks")
  await assertOneOfEach(it, master, [tenant.ref])
})

test("while its rights and its users are put right", async () => {
  const intruder = new Intruder(it.stateDir, tenant.ref)
  const look = () => master.call<void>("saas.tenant", "action_retry", [[tenant.id]])
  assert.equal(await intruder.sql(tenant.ref, `ALTER ROLE ${tenant.ref} PASSWORD 'mine'`), "done")
  await killer.afterEach(["repair_rights"], look)
  await waitForPhase(master, tenant.id, "running")

  const crowd = `INSERT INTO res_users (login, partner_id, company_id, active, share, notification_type)
    SELECT 'sneaky' || n, (SELECT partner_id FROM res_users WHERE id = 2), 1, true, false, 'email' FROM generate_series(1, 9) n`
  assert.equal(await intruder.sql(tenant.ref, crowd), "done")
  await killer.afterEach(["deactivate_users"], look)
  await waitForPhase(master, tenant.id, "running")
  const left = "SELECT count(*) FROM res_users WHERE active AND NOT share AND id <> 1"
  assert.equal(await intruder.sql(tenant.ref, left), "5")
  await assertOneOfEach(it, master, [tenant.ref])
})

test("while a deletion is called off that has made its final backup already", async () => {
  const log = killer.log()
  await deleteForGood(master, tenant)
  await killer.once(log, "back_up")
  await restoreMasterFromBefore(tenant)
  await killer.afterEach(["shelve_backup"], () => it.sidecar.start())
  await waitForPhase(master, tenant.id, "running")
  await assertOneOfEach(it, master, [tenant.ref])
  assert.equal((await visit(`${tenant.url}/web/login`)).status, 200)
  const backups = readdirSync(join(it.stateDir, "backups", tenant.ref))
  assert.equal(backups.length, 1, backups.join(", "))
  assert.match(String(backups[0]), /^called-off-/)
})

/** For the master, a deletion is final; but a master that was restored from a copy knows nothing of one that began. */
async function restoreMasterFromBefore({ id }: TenantRow): Promise<void> {
  const [model] = await master.search<{ id: number }>("ir.model", [["model", "=", "saas.tenant"]], ["id"])
  const code = `tenant = env["saas.tenant"].sudo().browse(${id})
tenant.status_id.write({"phase": "running"})
tenant.write({"desired": "running", "delete_after": False})`
  const values = { name: "Restore", state: "code", model_id: model?.id, code }
  await master.call("ir.actions.server", "run", [[await master.create("ir.actions.server", values)]])
}

test("while it is deleted", async () => {
  await killer.afterEach(deletingSteps, () => deleteForGood(master, tenant))
  await waitForPhase(master, tenant.id, "deleted")
  await assertOneOfEach(it, master, [])
})

test("while the template of a new plan is built", async () => {
  const before = await templates()
  // Of others on this machine.
  const foldersBefore = new Set(readdirSync(tmpdir()))
  await master.create("product.template", {
    name: "Address Book",
    type: "service",
    is_saas_plan: true,
    saas_module_names: "contacts",
  })
  const drafts = async () => (await templates()).filter((name) => isDraft.test(name))
  await until("its build is under way", async () => (await drafts()).length === 1)
  await it.sidecar.kill()
  await killer.afterEach(["build_template"], () => it.sidecar.start())

  tenant = await confirmQuotation(master, { slug: "addresses", plan: "Address Book" })
  await waitForPhase(master, tenant.id, "running")
  await until("every operation has ended", async () => (await openTemplateOperations()).length === 0)
  await assertOneOfEach(it, master, [tenant.ref])
  assert.equal((await visit(`${tenant.url}/web/login`)).status, 200)
  const made = (await templates()).filter((name) => !before.includes(name))
  assert.equal(made.length, 1, made.join(", "))
  assert.doesNotMatch(String(made[0]), isDraft)
  const folders = readdirSync(tmpdir()).filter((name) => !foldersBefore.has(name))
  const left = folders.filter((name) => name.startsWith(`saas-template-${made[0]}`))
  assert.deepEqual(left, [], "what a killed build worked with is gone, too")
})

const isDraft = /^tpl_[0-9a-f]{10}_[0-9a-f]{8}_[0-9a-f]{8}$/

async function templates(): Promise<string[]> {
  const sql = "SELECT datname FROM pg_database WHERE datname LIKE 'tpl%' ORDER BY datname"
  const { rows } = await it.postgres.query("postgres", (client) => client.query<{ datname: string }>(sql))
  return rows.map(({ datname }) => datname)
}

function openTemplateOperations(): Promise<{ id: number }[]> {
  const open = [
    ["kind", "=", "build_template"],
    ["state", "in", ["queued", "running"]],
  ] as const
  return master.search("saas.operation", open, ["state"])
}

test("no kind of step was forgotten", () => {
  killer.assertKilledAfter(Object.keys(everyKind))
})

test.run()
