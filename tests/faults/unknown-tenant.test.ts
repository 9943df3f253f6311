/** A tenant that the master knows nothing of goes on as it is, is shown to whoever looks, and can be adopted. */
import { strict as assert } from "node:assert"
import { suite } from "uvu"
import { assertOneOfEach, takeCensus } from "../helpers/census.ts"
import { Intruder } from "../helpers/hostile.ts"
import { type Installation, makeInstallation } from "../helpers/installation.ts"
import { Master } from "../helpers/master.ts"
import { confirmQuotation, type TenantRow, waitForPhase } from "../helpers/sales.ts"
import { adopt, forgetTenant, type StrayRow, straysOn, waitForStray } from "../helpers/strays.ts"
import { visit } from "../helpers/tenant.ts"
import { until } from "../helpers/wait.ts"

const test = suite("a tenant that the master does not know")

let it: Installation
let master: Master
let known: TenantRow
let forgotten: TenantRow
let stray: StrayRow

test.before(async () => {
  it = await makeInstallation("stray", { parts: "all", sidecarEnv: { LEASE_SECONDS: "3", POLL_SECONDS: "1" } })
  master = new Master(it.master)
  known = await confirmQuotation(master, { slug: "known" })
  forgotten = await confirmQuotation(master, { slug: "forgotten" })
  for (const { id } of [known, forgotten]) await waitForPhase(master, id, "running")
})

test.after(() => it.destroy())

test("it is told of with its addresses, and nobody else is", async () => {
  await it.sidecar.stop()
  await forgetTenant(it, forgotten)
  await it.sidecar.start()
  stray = await waitForStray(master, forgotten.ref)
  assert.deepEqual(
    (await straysOn(master)).map(({ ref, hosts, database }) => ({ ref, hosts, database })),
    [{ ref: forgotten.ref, hosts: "forgotten.localhost", database: "shared" }],
  )
})

test("it goes on serving as it is", async () => {
  assert.equal((await visit(`${forgotten.url}/web/login`)).status, 200)
  const { processes, databases } = await takeCensus(it)
  for (const all of [processes, databases]) assert.ok(all.includes(forgotten.ref), all.join())
})

test("adopted, it is seen to like any other, with all that it has", async () => {
  const intruder = new Intruder(it.stateDir, forgotten.ref)
  assert.equal(await intruder.sql(forgotten.ref, "UPDATE res_company SET name = 'Found again'"), "done")
  assert.equal(await intruder.sql(forgotten.ref, `ALTER ROLE ${forgotten.ref} PASSWORD 'mine'`), "done")
  const tenant = await adopt(master, stray, "Starter")
  assert.equal(tenant.slug, "forgotten")
  await waitForPhase(master, tenant.id, "running")
  assert.equal((await visit(`${tenant.url}/web/login`)).status, 200)
  assert.equal(await intruder.sql(tenant.ref, "SELECT name FROM res_company ORDER BY id LIMIT 1"), "Found again")
  await until("nobody tells of it any more", async () => (await straysOn(master)).length === 0)
  await assertOneOfEach(it, master, [known.ref, tenant.ref])
})

test.run()
