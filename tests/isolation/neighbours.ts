/** What a tenant's processes see of this machine and take of it: neighbours on one machine do not notice each other. */
import { strict as assert } from "node:assert"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { Test } from "uvu"
import { run } from "../../scripts/lib/commands.ts"
import { pidOf } from "../helpers/census.ts"
import type { Intruder } from "../helpers/hostile.ts"
import type { Installation } from "../helpers/installation.ts"
import { Outside } from "../helpers/outside.ts"
import type { TenantRow } from "../helpers/sales.ts"
import { type TenantUser, visit } from "../helpers/tenant.ts"
import { until } from "../helpers/wait.ts"
import { openWebsocket } from "../helpers/websocket.ts"

export interface Neighbours {
  readonly it: Installation
  readonly a: TenantRow
  readonly b: TenantRow
  readonly intruder: Intruder
  readonly victim: Intruder
  readonly admin: TenantUser
}

/** Of the cloud's metadata, of containers, of an office, of a provider. */
const privateAddresses = ["169.254.81.2", "172.17.81.2", "192.168.81.2", "10.81.0.2", "100.64.81.2"]

export function neighbours(test: Test, world: () => Neighbours): void {
  /** How each of some lines of Python went: `done`, or the name of the error. */
  const attempt = (who: Intruder, lines: readonly string[]) =>
    who.confined(
      [
        "import os, socket, sys",
        ...lines.map((line) => `try: ${line}; print("done")\nexcept OSError as error: print(type(error).__name__)`),
      ].join("\n"),
    )

  test("stands in for none of ours, whether that is there or away", async () => {
    const { it, intruder, victim } = world()
    const ours = Object.values(it.ports).map((port) => ["127.0.0.1", port] as const)
    const tenants = [intruder, victim].map((one) => [new URL(one.option("saas_internal_url")).hostname, 869] as const)
    for (const [host, port] of [...ours, ...tenants]) {
      const place = `(${JSON.stringify(host)}, ${port})`
      const lines = [
        `socket.socket().bind(${place})`,
        `one = socket.socket(); one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1); one.bind(${place})`,
        `socket.socket(socket.AF_INET, socket.SOCK_DGRAM).bind(${place})`,
        "socket.socket().listen()",
        `socket.socket(socket.AF_INET6).bind(("::", ${port}))`,
      ]
      assert.equal(
        await attempt(intruder, lines),
        Array(lines.length).fill("PermissionError").join("\n"),
        `${host}:${port}`,
      )
    }
    // Who is only its user would get as far as to learn that it is taken.
    const taken = `import socket\ntry: socket.socket().bind(("127.0.0.1", ${it.ports.http}))\nexcept OSError as error: print(error.errno)`
    assert.equal(await intruder.python(taken), "98")
  })

  test("meets no neighbour at a socket without a file, and makes no rooms of its own", async () => {
    const { intruder } = world()
    const lines = [
      "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)",
      "socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)",
      'one = socket.socket(socket.AF_UNIX); one.bind("\\0here"); one.listen()',
    ]
    assert.equal(await attempt(intruder, lines), Array(lines.length).fill("PermissionError").join("\n"))
    const rooms = `import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for kind in (0x10000000, 0x20000, 0x40000000, 0x20000000): print(libc.unshare(kind), ctypes.get_errno())`
    assert.equal(await intruder.confined(rooms), Array(4).fill("-1 1").join("\n"))
  })

  test("takes no more than its own share of processes, and neighbours are served meanwhile", async () => {
    const { b, intruder } = world()
    const bomb = intruder.confined(`import os
made = []
try:
    while len(made) < 3000: made.append(os.posix_spawn("/bin/sleep", ["sleep", "600"], {}))
except OSError as error: print(type(error).__name__)
print(len(made))
for child in made: os.kill(child, 9)
for child in made: os.waitpid(child, 0)`)
    let ended = false
    void bomb.finally(() => {
      ended = true
    })
    const met: number[] = []
    while (!ended) met.push((await visit(`${b.url}/web/login`)).status)
    const [error, made] = (await bomb).split("\n")
    assert.equal(error, "BlockingIOError")
    assert.ok(Number(made) > 100 && Number(made) < 1024, `${made} were made`)
    assert.deepEqual(new Set(met), new Set([200]))
  })

  test("has its temporary files for itself, in the storage that is counted as its own", async () => {
    const { it, intruder, victim } = world()
    await until("both serve", async () => [intruder, victim].every(({ ref }) => pidOf(it, ref) !== null))
    for (const place of ["/tmp", "/var/tmp", "/dev/shm"]) {
      const written = `import os; open("${place}/mine", "wb").write(os.urandom(3_000_000)); print(os.path.exists("${place}/mine"))`
      assert.equal(await intruder.confined(written), "True")
      assert.equal(await victim.confined(`import os; print(os.path.exists("${place}/mine"))`), "False")
      assert.equal(existsSync(`${place}/mine`), false)
    }
    const folder = join(it.stateDir, "tenants", intruder.ref, "tmp")
    const [own, ...others] = readdirSync(folder)
    assert.deepEqual(others, [])
    assert.ok(readdirSync(join(folder, own ?? "")).includes("mine"))
  })

  test("sees no process but its own, and no file that tells of others", async () => {
    const { it, intruder } = world()
    const seen = await intruder.confined(`import os
for name in os.listdir("/proc"):
    if name.isdigit(): print(os.stat("/proc/" + name).st_uid)`)
    assert.deepEqual(new Set(seen.split("\n")), new Set([String(intruder.uid)]))
    // What everybody may read of the state folder is code, the mark by which that is known, and a number.
    const closed = ["-type", "d", "-not", "-perm", "-o=x", "-prune"]
    const found = await run("find", [it.stateDir, ...closed, "-o", "-type", "f", "-perm", "-o=r", "-print"])
    const told = found.split("\n").filter((path) => path && !path.startsWith(join(it.stateDir, "release/")))
    const read = await intruder.python(`import os
for path in ${JSON.stringify(told)}:
    if os.access(path, os.R_OK): print(path)`)
    const harmless = [".odoo-saas", "nginx/nginx.pid"].map((name) => join(it.stateDir, name))
    assert.deepEqual(read.split("\n").sort(), harmless)
    const groups = await intruder.confined(`import os\nprint(os.listdir("/sys/fs/cgroup"))`)
    assert.equal(groups, "[]")
  })

  test("reaches neither the cloud's metadata nor private networks, though their plan calls the Internet", async () => {
    const { it, intruder } = world()
    const outside = await Outside.open(Number(it.network.split(".")[1]), [80, 443], privateAddresses)
    try {
      assert.equal(await intruder.connect(outside.address, 443), "open")
      for (const address of privateAddresses) {
        for (const port of [80, 443]) {
          await run("/usr/bin/python3", ["-c", `import socket; socket.create_connection(("${address}", ${port}), 3)`])
          assert.notEqual(await intruder.connect(address, port), "open", `${address}:${port}`)
        }
      }
    } finally {
      await outside.close()
    }
  })

  test("its Odoo prints, talks to browsers and does its jobs all the same", async () => {
    const { it, a, intruder, admin } = world()
    assert.match(readFileSync(`/proc/${pidOf(it, a.ref)}/status`, "utf8"), /^Seccomp:\s*2$/m)
    const printed = await admin.python<{ kind: string; begin: string }>(
      [
        "pdf, kind = env['ir.actions.report']._render_qweb_pdf('base.ir_module_reference_print', env.ref('base.module_base').ids)",
        "action = {'type': 'ir.actions.act_window_close', 'kind': kind, 'begin': pdf[:5].decode()}",
      ].join("\n"),
    )
    assert.deepEqual({ kind: printed.kind, begin: printed.begin }, { kind: "pdf", begin: "%PDF-" })
    const { status, socket } = await openWebsocket({
      address: "127.0.0.1",
      port: it.ports.http,
      host: new URL(a.url).host,
    })
    socket?.destroy()
    assert.equal(status, 101)
    const done = () =>
      intruder.sql(a.ref, "SELECT lastcall FROM ir_cron WHERE id = (SELECT min(id) FROM ir_cron WHERE active)")
    const before = await done()
    await admin.python("env['ir.cron'].sudo().search([], order='id', limit=1)._trigger()")
    await until("a job is done", async () => (await done()) !== before, { seconds: 60 })
  })
}
