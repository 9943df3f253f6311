/** What keeps tenants on one machine apart. The tests run as root; elsewhere the target says what is missing. */
import { strict as assert } from "node:assert"
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import type { Test } from "uvu"
import { Intruder } from "../../helpers/hostile.ts"
import { until } from "../../helpers/wait.ts"
import { Tenant } from "../conformance/tenant.ts"
import type { ProcessWorld } from "./world.ts"

export function isolation(test: Test, world: () => ProcessWorld): void {
  let one: Tenant<unknown>
  let two: Tenant<unknown>

  const status = async (field: string) => {
    const text = readFileSync(`/proc/${await world().pidOf(one.id)}/status`, "utf8")
    return new RegExp(`^${field}:[ \\t]*(.*)$`, "m").exec(text)?.[1]?.trim()
  }
  const folder = (...parts: string[]) => join(world().installation.stateDir, "tenants", ...parts)

  test("two tenants are made", async () => {
    one = await new Tenant(world(), { limits: { ...limits, memoryMb: 700, cpuMilli: 1500 } }).make()
    two = await new Tenant(world()).make()
  })

  test("what is missing is told in sentences, and nothing is missing here", async () => {
    const { missingIsolation, kind, ready, memoryMb, cpuMilli } = await world().driver.target.describe()
    assert.deepEqual(missingIsolation, [])
    assert.deepEqual({ kind, ready }, { kind: "process", ready: true })
    assert.ok(memoryMb > 500 && cpuMilli >= 1000, `${memoryMb} MB, ${cpuMilli}`)
  })

  test("the database server tells how full it is", async () => {
    const [server] = await world().driver.target.servers.describe()
    assert.ok(server)
    const { rows } = await world().asSuperuser("postgres", "SELECT current_setting('max_connections')::int AS max")
    assert.ok(server.maxConnections > 0 && server.maxConnections <= Number(rows[0]?.max))
    assert.equal(server.databases, 2)
    assert.ok(server.maxDatabases > 10 && server.connections > 2 && server.diskFreeMb > 100, JSON.stringify(server))
    assert.equal(server.ready, true)
  })

  test("every tenant runs as a user of its own, with nothing more than that", async () => {
    const uids = await Promise.all([one, two].map(async ({ id }) => statSync(`/proc/${await world().pidOf(id)}`).uid))
    assert.equal(new Set(uids).size, 2)
    for (const uid of uids) assert.ok(uid > world().installation.uidBase, String(uid))
    assert.equal(await status("Groups"), "")
    assert.equal(await status("NoNewPrivs"), "1")
    assert.equal(await status("CapEff"), "0000000000000000")
  })

  test("memory, processor, processes and open files have the limits of the plan", async () => {
    const pid = await world().pidOf(one.id)
    const groups = readFileSync(`/proc/${pid}/cgroup`, "utf8")
    const path = (controller: string) => new RegExp(`^\\d+:[^:]*\\b${controller}\\b[^:]*:(.*)$`, "m").exec(groups)?.[1]
    const v2 = existsSync("/sys/fs/cgroup/cgroup.controllers")
    const read = (controller: string, name: string) => {
      const group = v2 ? groups.trim().split("::")[1] : `${controller}${path(controller)}`
      return readFileSync(join("/sys/fs/cgroup", group ?? "", name), "utf8").trim()
    }
    assert.equal(read("memory", v2 ? "memory.max" : "memory.limit_in_bytes"), String(700 * 1024 * 1024))
    if (v2) assert.equal(read("cpu", "cpu.max"), "150000 100000")
    else assert.equal(read("cpu", "cpu.cfs_quota_us"), "150000")
    assert.equal(read("pids", "pids.max"), "1024")
    assert.match(readFileSync(`/proc/${pid}/limits`, "utf8"), /^Max open files\s+4096\s+4096/m)
  })

  test("no secret is in a command line or an environment", async () => {
    const password = new Intruder(world().installation.stateDir, one.id).option("db_password")
    assert.ok(password.length > 20)
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      for (const file of ["cmdline", "environ"]) {
        const path = `/proc/${pid}/${file}`
        assert.ok(!(existsSync(path) ? readIfThere(path) : "").includes(password), path)
      }
    }
    const environment = readFileSync(`/proc/${await world().pidOf(one.id)}/environ`, "utf8")
    assert.doesNotMatch(environment, /ROOT_KEY|PASSWORD|TOKEN|SAAS_/)
  })

  test("a tenant reads its own folder, changes its data only, and sees nobody else's", async () => {
    const intruder = new Intruder(world().installation.stateDir, one.id)
    const attempt = (code: string) => intruder.python(`try: ${code}; print("done")\nexcept OSError: print("refused")`)
    assert.equal(await attempt(`open(${JSON.stringify(folder(one.id, "odoo.conf"))}).read()`), "done")
    assert.equal(await attempt(`open(${JSON.stringify(folder(one.id, "data", "mine"))}, "w")`), "done")
    for (const code of [
      `open(${JSON.stringify(folder(one.id, "odoo.conf"))}, "a")`,
      `open(${JSON.stringify(folder(one.id, "new"))}, "w")`,
      `__import__("os").rename(${JSON.stringify(folder(one.id, "data"))}, ${JSON.stringify(folder(one.id, "old"))})`,
      `__import__("os").listdir(${JSON.stringify(folder())})`,
      `__import__("os").listdir(${JSON.stringify(folder(two.id))})`,
      `open(${JSON.stringify(folder(two.id, "odoo.conf"))}).read()`,
      `__import__("os").kill(${await world().pidOf(two.id)}, 0)`,
      ...["secrets", "backups", "run", "nginx/hosts.d", "nginx/router.sock", "run/holder.sock"].map(
        (name) => `open(${JSON.stringify(join(world().installation.stateDir, name))})`,
      ),
    ]) {
      assert.equal(await attempt(code), "refused", code)
    }
  })

  test("a tenant reaches itself and PostgreSQL on this machine, and nothing else", async () => {
    const intruder = new Intruder(world().installation.stateDir, one.id)
    const { ports } = world().installation
    const own = await world().driver.target.runtime.endpoint(one.fence)
    const other = await world().driver.target.runtime.endpoint(two.fence)
    assert.equal(await intruder.connect((own as Address).host, (own as Address).port), "open")
    assert.equal(await intruder.sql(one.id, "SELECT 1"), "1")
    for (const [host, port] of [
      [(other as Address).host, (other as Address).port],
      ["127.0.0.1", ports.http],
      ["127.0.0.1", 22],
    ] as const) {
      assert.notEqual(await intruder.connect(host, port), "open", `${host}:${port}`)
    }
  })

  test("a tenant cannot listen where others do, so it can neither keep them away nor stand in for them", async () => {
    const intruder = new Intruder(world().installation.stateDir, one.id)
    const { port } = (await world().driver.target.runtime.endpoint(one.fence)) as Address
    for (const host of [
      "",
      "127.66.200.1",
      ((await world().driver.target.runtime.endpoint(two.fence)) as Address).host,
    ]) {
      const bind = `socket.socket().bind((${JSON.stringify(host)}, ${port}))`
      const code = `import socket\ntry: ${bind}; print("bound")\nexcept PermissionError: print("refused")`
      assert.equal(await intruder.python(code), "refused", host)
    }
  })

  test("what it has left running is stopped, even after its Odoo has ended by itself", async () => {
    const intruder = new Intruder(world().installation.stateDir, two.id)
    const child = `if os.fork() == 0:\n  os.setsid(); [os.close(fd) for fd in (0, 1, 2)]; time.sleep(600)`
    await intruder.python(`import os, time\n${child}`)
    const { runtime } = world().driver.target
    await world().crash(two.id)
    await until("the crash is noted", async () => (await runtime.observe(two.id)).fingerprint === "left over")
    assert.equal((await runtime.observe(two.id)).state, "starting")
    await two.stop()
    assert.equal((await runtime.observe(two.id)).state, "stopped")
    await two.start()
    await two.awaitState("ready")
  })

  test("files that pretend to be huge, folders without end and a million nothings hurt nobody else", async () => {
    const three = await new Tenant(world()).make()
    const intruder = new Intruder(world().installation.stateDir, three.id)
    const { files, backups } = world().driver.target
    const before = await files.usage(three.id)
    await intruder.python(`import os
os.chdir(${JSON.stringify(folder(three.id, "data"))})
open("huge", "w").truncate(1 << 40)
os.mkdir("nothings")
for number in range(3000): open(f"nothings/{number}", "w").close()
for level in range(30): os.mkdir("d" * 200); os.chdir("d" * 200)`)
    const counted = (await files.usage(three.id)) - before
    assert.ok(counted >= 11 && counted < 100, `${counted} MB more`)
    await three.stop()
    await backups.take(three.spec, three.fence)
    await backups.verify(three.spec, three.fence)
    const tar = statSync(join(world().installation.stateDir, "backups", three.id, "final", "filestore.tar"))
    assert.ok(tar.size < 100 * 1024 * 1024, `${tar.size} bytes`)
    await three.remove()
    assert.equal(existsSync(folder(three.id)), false)
    rmSync(join(world().installation.stateDir, "backups", three.id), { recursive: true })
  })

  test("temporary files count as storage, and are gone after a stop", async () => {
    const { files } = world().driver.target
    const before = await files.usage(one.id)
    const write = `import os; open("/tmp/big", "wb").write(os.urandom(20_000_000)); os.makedirs("/dev/shm/" + "d/" * 500)`
    await new Intruder(world().installation.stateDir, one.id).confined(write)
    assert.ok((await files.usage(one.id)) - before >= 20)
    await one.stop()
    assert.ok((await files.usage(one.id)) - before < 5)
    await one.start()
    await one.awaitState("ready")
  })

  test("a log that its tenant turned into a link or a pipe shows nothing and holds nobody up", async () => {
    const intruder = new Intruder(world().installation.stateDir, one.id)
    const log = JSON.stringify(folder(one.id, "log", "odoo.log"))
    const replace = (code: string) => intruder.python(`import os; os.unlink(${log}); ${code}`)
    await replace(`os.symlink("/etc/shadow", ${log})`)
    assert.equal(await world().driver.target.runtime.logs(one.id, 10), "")
    await replace(`os.mkfifo(${log})`)
    assert.equal(await world().driver.target.runtime.logs(one.id, 10), "")
    await replace("pass")
    assert.equal(await world().driver.target.runtime.logs(one.id, 10), "")
  })

  test("what a tenant left running goes with it", async () => {
    const pid = await world().pidOf(two.id)
    assert.ok(pid)
    await two.stop()
    const uid = statSync(folder(two.id, "data")).uid
    const left = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && uidOf(name) === uid)
    assert.deepEqual(left, [])
  })

  test("two tenants are taken away", async () => {
    await one.remove()
    await two.remove()
    assert.deepEqual(readdirSync(folder()), [])
  })
}

interface Address {
  readonly host: string
  readonly port: number
}

const limits = { cpuMilli: 1000, memoryMb: 1024, storageMb: 5120, users: 5, connections: 10, workers: 0 }

function uidOf(pid: string): number | null {
  try {
    return statSync(`/proc/${pid}`).uid
  } catch {
    return null
  }
}

/** A process may end between being listed and being read. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}
