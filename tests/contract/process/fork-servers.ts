/** A tenant that is forked from what has imported its Odoo already is a tenant like any other, only sooner. */
import { strict as assert } from "node:assert"
import { readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import type { Test } from "uvu"
import { Holder } from "../../../sidecar/drivers/process/holder.ts"
import { until } from "../../helpers/wait.ts"
import { Tenant } from "../conformance/tenant.ts"
import type { ProcessWorld } from "./world.ts"

export function forkServers(test: Test, world: () => ProcessWorld): void {
  test("a tenant is forked once its template's fork server is ready", async () => {
    const first = await new Tenant(world()).make()
    await forkServersAreReady(world())
    await first.stop()
    await first.start()
    await first.awaitState("ready")
    assert.ok(await isForked(world(), first))
    assert.equal((await first.visit()).status, 200)
    await first.remove()
  })

  test("one that is forked has its own user, its own configuration and no right beyond", async () => {
    await forkServersAreReady(world())
    const tenant = await new Tenant(world()).make()
    const pid = await world().pidOf(tenant.id)
    assert.ok(await isForked(world(), tenant))
    assert.ok(statSync(`/proc/${pid}`).uid > world().installation.uidBase)
    const status = readFileSync(`/proc/${pid}/status`, "utf8")
    assert.match(status, /^Groups:\s*$/m)
    assert.match(status, /^NoNewPrivs:\s*1$/m)
    assert.match(status, /^CapEff:\s*0+$/m)
    const connected = await world().asSuperuser(
      "postgres",
      `SELECT DISTINCT datname FROM pg_stat_activity WHERE usename = '${tenant.id}'`,
    )
    assert.deepEqual(connected.rows, [{ datname: tenant.id }])
    await tenant.remove()
  })

  test("fork servers that were killed are done without, and come back", async () => {
    await forkServersAreReady(world())
    await endForkServers(world())
    const tenant = await new Tenant(world()).make()
    assert.equal(await isForked(world(), tenant), false)
    await forkServersAreReady(world())
    await tenant.remove()
  })
}

export async function forkServersAreReady(world: ProcessWorld): Promise<void> {
  const ready = async () => (await forkServersOf(world)).some((server) => server.ready)
  await until("the fork server of the template is ready", ready, { seconds: 60 })
}

/** The next tenant is executed, and has a fork server made for those after it. */
export async function endForkServers(world: ProcessWorld): Promise<void> {
  for (const { pid } of await forkServersOf(world)) process.kill(pid, "SIGKILL")
  await until("their end is noted", async () => (await forkServersOf(world)).length === 0)
}

/** The mappings of the modules that both have imported lie in the same pages. */
export async function isForked(world: ProcessWorld, tenant: Tenant<unknown>): Promise<boolean> {
  const text = readFileSync(`/proc/${await world.pidOf(tenant.id)}/smaps_rollup`, "utf8")
  return Number(/^Shared_Dirty:\s+(\d+) kB/m.exec(text)?.[1]) / 1024 > 30
}

async function forkServersOf(world: ProcessWorld) {
  const { stateDir, odoo } = world.installation
  // Nothing is started by it: the driver's own is there.
  return Object.values(await new Holder(odoo.python, "", join(stateDir, "run")).forkServers())
}
