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
  const holder = () => {
    const { stateDir, odoo } = world().installation
    // Nothing is started by it: the driver's own is there.
    return new Holder(odoo.python, "", join(stateDir, "run"))
  }
  const ready = async () => Object.values(await holder().forkServers()).filter((server) => server.ready)
  const isWarm = () =>
    until("the fork server of the template is ready", async () => (await ready()).length === 1, { seconds: 60 })
  /** The mappings of the modules that both have imported lie in the same pages. */
  const sharedMb = async (tenant: Tenant<unknown>) => {
    const text = readFileSync(`/proc/${await world().pidOf(tenant.id)}/smaps_rollup`, "utf8")
    return Number(/^Shared_Dirty:\s+(\d+) kB/m.exec(text)?.[1]) / 1024
  }

  test("a tenant is forked once its template's fork server is ready", async () => {
    const first = await new Tenant(world()).make()
    await isWarm()
    await first.stop()
    await first.start()
    await first.awaitState("ready")
    const shared = await sharedMb(first)
    assert.ok(shared > 30, `it shares ${shared} MB with the fork server`)
    assert.equal((await first.visit()).status, 200)
    await first.remove()
  })

  test("one that is forked has its own user, its own configuration and no right beyond", async () => {
    await isWarm()
    const tenant = await new Tenant(world()).make()
    const pid = await world().pidOf(tenant.id)
    assert.ok((await sharedMb(tenant)) > 30)
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
    await isWarm()
    const [server] = await ready()
    assert.ok(server)
    process.kill(server.pid, "SIGKILL")
    await until("its end is noted", async () => (await ready()).length === 0)
    const tenant = await new Tenant(world()).make()
    assert.ok((await sharedMb(tenant)) < 30)
    await isWarm()
    await tenant.remove()
  })
}
