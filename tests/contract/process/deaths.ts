/** Whatever of ours is killed, tenants serve on or are served again, and nobody else's is touched. */
import { strict as assert } from "node:assert"
import { execFileSync } from "node:child_process"
import { chmodSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { execa } from "execa"
import type { Test } from "uvu"
import { Operator } from "../../../sidecar/databases/operator.ts"
import type { TenantId } from "../../../sidecar/domain/tenant.ts"
import { until } from "../../helpers/wait.ts"
import { Tenant } from "../conformance/tenant.ts"
import { fenceOf, template } from "../conformance/world.ts"
import type { ProcessWorld } from "./world.ts"

export function deaths(test: Test, world: () => ProcessWorld): void {
  let tenant: Tenant<unknown>

  const state = (...parts: string[]) => join(world().installation.stateDir, ...parts)
  const runtime = () => world().driver.target.runtime
  const observe = () => world().driver.target.router.observe(tenant.id)

  test("a tenant is made", async () => {
    tenant = await new Tenant(world()).make()
  })

  test("a tenant does not notice that the holder was killed, and the next holder goes on", async () => {
    const changed: TenantId[] = []
    const stop = world().driver.target.watch((id) => changed.push(id))
    const before = await world().incarnation(tenant.id)
    const holder = await holderPid(state("run", "holder.sock"))
    process.kill(holder, "SIGKILL")
    assert.equal((await tenant.visit()).status, 200)
    await tenant.awaitState("ready")
    assert.equal(await world().incarnation(tenant.id), before)
    assert.notEqual(await holderPid(state("run", "holder.sock")), holder)
    await until("all are looked at again", async () => changed.includes(tenant.id), { seconds: 10 })
    // Nobody is the parent of that process any more, and still its end is noticed.
    changed.length = 0
    await world().crash(tenant.id)
    await until("the crash is told", async () => changed.includes(tenant.id), { seconds: 5 })
    const waiting = tenant.visit()
    await tenant.start()
    assert.equal((await waiting).status, 200)
    await stop()
    await tenant.awaitState("ready")
    await tenant.stop()
    assert.equal((await runtime().observe(tenant.id)).state, "stopped")
    await tenant.start()
    await tenant.awaitState("ready")
  })

  test("a pid that is somebody else's by now is not taken for the tenant", async () => {
    await tenant.stop()
    const stranger = execa("sleep", ["60"])
    const record = { pid: stranger.pid, started: "1", fingerprint: runtime().fingerprint(tenant.spec) }
    writeFileSync(state("tenants", tenant.id, "runtime.json"), JSON.stringify(record))
    assert.equal((await runtime().observe(tenant.id)).state, "stopped")
    await tenant.stop()
    assert.equal(stranger.exitCode ?? null, null)
    await tenant.start()
    await tenant.awaitState("ready")
    assert.ok(stranger.kill("SIGKILL"))
    await stranger.catch(() => undefined)
  })

  test("whatever a tenant lays in place of its log, its Odoo starts again", async () => {
    const log = state("tenants", tenant.id, "log", "odoo.log")
    const victim = state("victim")
    writeFileSync(victim, "untouched")
    const laid: (() => void)[] = [
      () => symlinkSync(victim, log),
      () => symlinkSync("/nowhere/at/all", log),
      () => execFileSync("mkfifo", [log]),
      () => mkdirSync(log),
      () => writeFileSync(log, "", { mode: 0o000 }),
    ]
    for (const lay of laid) {
      await tenant.stop()
      rmSync(log, { force: true, recursive: true })
      lay()
      chmodSync(state("tenants", tenant.id, "log"), 0o000)
      await tenant.start()
      await tenant.awaitState("ready")
      assert.ok(lstatSync(log).isFile())
    }
    assert.equal(readFileSync(victim, "utf8"), "untouched")
    assert.equal((await tenant.visit()).status, 200)
  })

  test("an nginx that was killed is seen, and started by the next act", async () => {
    const master = nginxPid()
    process.kill(master, "SIGKILL")
    await until("it is seen", async () => (await observe()).state.kind !== "up", { seconds: 5 })
    await tenant.route({ kind: "up" })
    assert.notEqual(nginxPid(), master)
    assert.equal((await tenant.visit()).status, 200)
    assert.deepEqual((await observe()).state, { kind: "up" })
  })

  test("a configuration that somebody broke is said to be broken, and what was served is served on", async () => {
    const path = state("nginx", "hosts.map")
    const file = readFileSync(path, "utf8")
    const conf = state("nginx", "nginx.conf")
    const good = readFileSync(conf, "utf8")
    writeFileSync(conf, good.replace("worker_processes 2;", "worker_processes 2; nonsense on;"))
    tenant.spec = { ...tenant.spec, hosts: [...tenant.spec.hosts, { name: "more.localhost", primary: false }] }
    try {
      await assert.rejects(tenant.route({ kind: "up" }), (error: Error) => {
        assert.equal(error.name, "RetryableError")
        assert.match(error.message, /nonsense/)
        return true
      })
    } finally {
      writeFileSync(conf, good)
    }
    assert.equal(readFileSync(path, "utf8"), file)
    assert.equal((await tenant.visit()).status, 200)
    await tenant.route({ kind: "up" })
    assert.equal((await world().visit("more.localhost", "/web/login")).status, 200)
  })

  test("a name that is no host is refused before anything is written", async () => {
    for (const name of ["a b.localhost", "evil;}", "Upper.localhost", "x_y.localhost", ""]) {
      const hosts = [{ name, primary: true }]
      const { router } = world().driver.target
      const applied = router.apply(tenant.fence, await runtime().endpoint(tenant.fence), hosts, { kind: "up" })
      await assert.rejects(applied, { name: "PermanentError" }, name)
    }
    assert.equal((await tenant.visit()).status, 200)
  })

  test("a template that asks for an unknown module says so, and leaves nothing", async () => {
    const wrong = { ...template, key: "badbadbad0", modules: ["no_such_module"] }
    await assert.rejects(world().driver.templates.build(wrong, fenceOf("tpl_badbadbad0")), (error: Error) => {
      assert.equal(error.name, "PermanentError")
      assert.match(error.message, /no_such_module/)
      return true
    })
    assert.equal(await world().driver.templates.observe(wrong, "local"), "absent")
    const left = await world().asSuperuser("postgres", "SELECT FROM pg_database WHERE datname LIKE 'tpl_badbadbad0%'")
    assert.equal(left.rowCount, 0)
  })

  test("a template whose build is called off leaves nothing either", async () => {
    const other = { ...template, key: "ca11ed0ff0" }
    const lease = new AbortController()
    const building = world().driver.templates.build(other, fenceOf("tpl_ca11ed0ff0", 1, lease.signal))
    const refused = assert.rejects(building)
    const databases = "SELECT datname FROM pg_database WHERE datname LIKE 'tpl_ca11ed0ff0%'"
    await until("it is under way", async () => (await world().asSuperuser("postgres", databases)).rowCount === 1)
    lease.abort()
    await refused
    assert.equal((await world().asSuperuser("postgres", databases)).rowCount, 0)
  })

  test("a backup that was damaged on disk is noticed, set aside and taken again", async () => {
    const { backups } = world().driver.target
    await tenant.stop()
    writeFileSync(state("tenants", tenant.id, "data", "a file"), "of the customer")
    await backups.take(tenant.spec, tenant.fence)
    const manifest = JSON.parse(readFileSync(state("backups", tenant.id, "final", "manifest.json"), "utf8"))
    assert.ok(manifest.counts.res_users >= 3 && manifest.counts.tables > 50, JSON.stringify(manifest.counts))
    const listed = await execa("tar", ["-tf", state("backups", tenant.id, "final", "filestore.tar")])
    assert.match(listed.stdout, /a file/)
    writeFileSync(state("backups", tenant.id, "final", "db.dump"), "rubbish")
    await assert.rejects(backups.verify(tenant.spec, tenant.fence), /damaged/)
    assert.equal(await backups.observe(tenant.id), "absent")
    await backups.take(tenant.spec, tenant.fence)
    await backups.verify(tenant.spec, tenant.fence)
    assert.equal(await backups.observe(tenant.id), "verified")
    // Whoever can read it has all of the customer's data.
    assert.match((await execa("stat", ["-c", "%a %U", state("backups", tenant.id)])).stdout, /^700 root$/)
  })

  test("a full disk of the server is a matter for a person", async () => {
    const { ports, postgres, secrets } = world().installation
    const password = secrets.read("pg-operator-password")
    const user = "saas_operator"
    const operator = new Operator({ host: postgres.sockets, port: ports.postgres, user, password, database: user })
    const full = "RAISE EXCEPTION USING ERRCODE = 'disk_full', MESSAGE = 'could not extend file'"
    await assert.rejects(operator.query(`DO $$ BEGIN ${full}; END $$`), (error: Error) => {
      assert.equal(error.name, "PermanentError")
      assert.match(error.message, /disk .*is full: could not extend file\. Free some space/)
      return true
    })
    await operator.close()
  })

  test("a server that is full refuses with what to do, and a restart of PostgreSQL is survived", async () => {
    const { postgres } = world().installation
    const limit = async (most: string) => {
      await world().asSuperuser("postgres", `ALTER SYSTEM SET max_connections = ${most}`)
      await postgres.stop()
      await assert.rejects(world().driver.databases.ping(), { name: "RetryableError" })
      await postgres.start()
    }
    // Three are for superusers, ten for ourselves: two tenants have room, and no third one.
    await limit("37")
    const next = new Tenant(world())
    const another = await new Tenant(world()).makeDatabase()
    await assert.rejects(world().driver.databases.clone(next.spec, next.fence), (error: Error) => {
      assert.equal(error.name, "PermanentError")
      assert.match(error.message, /full.*(Raise|add)/s)
      return true
    })
    assert.equal((await world().driver.databases.observe(next.spec)).stage, "absent")
    await limit("DEFAULT")
    await world().driver.databases.clone(next.spec, next.fence)
    await next.remove()
    await another.remove()
  })

  test("the tenant is taken away, and its place is given to the next", async () => {
    const before = await runtime().endpoint(tenant.fence)
    await tenant.remove()
    rmSync(state("backups", tenant.id), { recursive: true })
    const next = await new Tenant(world()).makeDatabase()
    await next.start()
    assert.deepEqual(await runtime().endpoint(next.fence), before)
    await next.remove()
  })

  test("a place that a killed worker did not give back is seen, and given back", async () => {
    const left = new Tenant(world())
    const { files, router } = world().driver.target
    await world().driver.databases.raise(left.fence)
    await files.ensure(left.spec, left.fence)
    await files.remove(left.fence)
    const seats = `SELECT FROM saas.tenant WHERE id = '${left.id}' AND seat IS NOT NULL`
    assert.equal((await world().asSuperuser("saas_operator", seats)).rowCount, 1)
    assert.deepEqual(await router.observe(left.id), { hosts: [], state: { kind: "maintenance" } })
    await router.remove(left.fence)
    assert.deepEqual(await router.observe(left.id), { hosts: [], state: { kind: "none" } })
    assert.equal((await world().asSuperuser("saas_operator", seats)).rowCount, 0)
  })

  function nginxPid(): number {
    return Number(readFileSync(state("nginx", "nginx.pid"), "utf8"))
  }
}

async function holderPid(path: string): Promise<number> {
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(path)
    socket.on("connect", () => socket.write('{"op":"ping"}\n'))
    socket.on("error", reject)
    socket.setEncoding("utf8").on("data", (text: string) => {
      socket.destroy()
      resolve(text)
    })
  })
  return Number(JSON.parse(answer).pid)
}
