/** What a tenant's Odoo is told when it starts: as many processes as it may be, and no more connections than it may have. */
import { strict as assert } from "node:assert"
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { suite } from "uvu"
import { repo } from "../../scripts/lib/paths.ts"
import { PermanentError } from "../../sidecar/domain/errors.ts"
import { connectionsFor, tenantConf, type Workers } from "../../sidecar/domain/odoo-conf.ts"

const test = suite("a tenant's odoo.conf")

test("one process has all connections, and no limit of Odoo's own", () => {
  const conf = read(null, 10)
  assert.equal(conf.workers, "0")
  assert.equal(conf.db_maxconn, "10")
  assert.equal(conf.db_maxconn_gevent, undefined)
  assert.equal(conf.limit_time_real, "0")
  assert.equal(conf.saas_internal_url, "http://127.0.0.1:8069")
})

test("nobody knows the password of the database manager, which is shut", () => {
  const conf = read(null, 10)
  assert.equal(conf.admin_passwd, "")
  assert.equal(conf.list_db, "False")
})

test("several processes share the connections out, and never hold more than there are", () => {
  for (const count of [1, 2, 16]) {
    for (const connections of [connectionsFor(count), connectionsFor(count) + 7]) {
      const conf = read({ count, websocketPort: 8072 }, connections)
      assert.equal(conf.workers, String(count))
      const each = Number(conf.db_maxconn)
      // One for crons, which takes one more to wait with, and one for websockets.
      const held = each * count + (each + Number(conf.max_cron_threads)) + Number(conf.db_maxconn_gevent)
      assert.equal(held, connections)
      assert.ok(Number(conf.db_maxconn_gevent) >= 4)
    }
  }
})

test("with workers no limit of time is 0, which would be no time at all", () => {
  const conf = read({ count: 2, websocketPort: 8072 }, 20)
  assert.ok(Number(conf.limit_time_real) > 720, "a router waits so long for an answer")
  assert.ok(Number(conf.limit_time_cpu) > Number(conf.limit_time_real))
  assert.equal(conf.gevent_port, "8072")
  // While all workers print, the styles of what they print come from the one that is not a worker.
  assert.equal(conf.saas_internal_url, "http://127.0.0.1:8072")
})

test("too few connections for so many workers is said in words", () => {
  assert.throws(
    () => read({ count: 2, websocketPort: 8072 }, connectionsFor(2) - 1),
    (error: Error) => error instanceof PermanentError && /2 workers need 17 database connections/.test(error.message),
  )
})

test("the master asks of a plan as many connections as are shared out here", () => {
  const plan = readFileSync(join(repo, "addons/saas_master/models/saas_plan.py"), "utf8")
  const rule = /^LEAST = .*\n/m.exec(plan)?.[0] ?? ""
  const asked = /^def connections_for[\s\S]+?\n\n\n/m.exec(plan)?.[0] ?? ""
  assert.ok(rule && asked, "saas_plan.py has the rule")
  const program = `${rule}${asked}print([connections_for(n) for n in range(17)])`
  const told = JSON.parse(execFileSync("/usr/bin/python3", ["-c", program], { encoding: "utf8" }))
  assert.deepEqual(
    told,
    Array.from({ length: 17 }, (_, workers) => connectionsFor(workers)),
  )
})

function read(workers: Workers | null, connections: number): Record<string, string> {
  const text = tenantConf({
    tenant: "tabcdefghij",
    publicKey: "key",
    database: "tabcdefghij",
    databaseHost: "127.0.0.1",
    databasePort: 5432,
    role: "tabcdefghij",
    password: "secret",
    addonsPath: ["/addons"],
    dataDir: "/data",
    relay: null,
    interface: "0.0.0.0",
    address: "127.0.0.1",
    port: 8069,
    limits: { connections },
    workers,
  })
  return Object.fromEntries(text.split("\n").flatMap((line) => (line.includes(" = ") ? [line.split(" = ", 2)] : [])))
}

test.run()
