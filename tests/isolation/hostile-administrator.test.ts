/**
 * What the administrator of one tenant can do to another, to the control plane and to their own limits, with SQL and
 * Python of their own. Each attack stands beside a control: the same act where it is allowed, so that a test that
 * could never succeed is noticed.
 */
import { strict as assert } from "node:assert"
import { join } from "node:path"
import pg from "pg"
import { suite } from "uvu"
import { pidOf } from "../helpers/census.ts"
import { Intruder } from "../helpers/hostile.ts"
import { type Installation, makeInstallation } from "../helpers/installation.ts"
import { Master } from "../helpers/master.ts"
import { Outside } from "../helpers/outside.ts"
import { confirmQuotation, type TenantRow, waitForPhase } from "../helpers/sales.ts"
import { redeem, type Signer, signOnToken, TenantSaidNo, TenantUser, visit } from "../helpers/tenant.ts"
import { until } from "../helpers/wait.ts"
import { doors } from "./doors.ts"
import { neighbours } from "./neighbours.ts"

const test = suite("the administrator of a tenant")

let it: Installation
let master: Master
let signer: Signer
let a: TenantRow
let b: TenantRow
let intruder: Intruder
let victim: Intruder
let admin: TenantUser

test.before(async () => {
  it = await makeInstallation("isolation", { parts: "all", sidecarEnv: { PATROL_SECONDS: "10" } })
  master = new Master(it.master)
  signer = { sidecarUrl: `http://127.0.0.1:${it.ports.sidecar}`, tokenFile: it.secrets.path("nudge-token") }
  const made = await Promise.all(["alpha", "beta"].map((slug) => confirmQuotation(master, { slug })))
  ;[a, b] = (await Promise.all(made.map(({ id }) => waitForPhase(master, id, "running")))) as [TenantRow, TenantRow]
  intruder = new Intruder(it.stateDir, a.ref)
  victim = new Intruder(it.stateDir, b.ref)
  admin = await TenantUser.signOn(signer, a, "owner@alpha.example")
})

test.after(() => it.destroy())

test("reads no other database, whosever it is", async () => {
  assert.equal(await intruder.sql(a.ref, "SELECT count(*) > 0 FROM res_users"), "True")
  const template = await it.postgres.query("postgres", (client) =>
    client.query("SELECT datname FROM pg_database WHERE datname LIKE 'tpl_%' LIMIT 1"),
  )
  for (const name of [b.ref, "postgres", "template1", "master", "saas_operator", template.rows[0].datname]) {
    const answer = await intruder.sql(name, "SELECT 1")
    assert.match(answer, /^refused: .*(no pg_hba.conf entry|permission denied|not currently accepting)/, name)
  }
})

test("gets in as nobody else with the password they have", async () => {
  for (const role of [b.ref, "saas_operator", "saas_master", "saas_template", "postgres"]) {
    const answer = await intruder.sql(b.ref, "SELECT 1", role)
    assert.match(answer, /^refused: .*(authentication failed|no pg_hba.conf entry|rejects connection)/, role)
  }
})

test("cannot open their database to others, lift its limits or take it away", async () => {
  for (const statement of [
    `GRANT CONNECT ON DATABASE ${a.ref} TO PUBLIC`,
    `ALTER DATABASE ${a.ref} CONNECTION LIMIT -1`,
    `ALTER DATABASE ${a.ref} OWNER TO ${a.ref}`,
    `ALTER ROLE ${a.ref} CONNECTION LIMIT -1`,
    `ALTER ROLE ${a.ref} CREATEDB`,
    `CREATE ROLE friend LOGIN`,
    `GRANT saas_operator TO ${a.ref}`,
    `DROP DATABASE ${b.ref}`,
    "CREATE DATABASE mine",
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "SELECT pg_read_file('/etc/passwd')",
  ]) {
    // A GRANT without the right to grant is a warning only, so the result is looked at below as well.
    const answer = await intruder.sql(a.ref, statement)
    assert.match(answer, statement.startsWith("GRANT CONNECT") ? /^(refused|done)/ : /^refused/, statement)
  }
  const { rows } = await it.postgres.query("postgres", (client) =>
    client.query(
      `SELECT pg_get_userbyid(datdba) AS owner, rolconnlimit AS per_role, rolcreatedb, rolcreaterole,
              EXISTS (SELECT FROM aclexplode(datacl) WHERE grantee = 0) AS open_to_all
         FROM pg_database JOIN pg_roles ON rolname = datname WHERE datname = $1`,
      [a.ref],
    ),
  )
  assert.equal(rows[0].owner, "saas_operator")
  assert.equal(rows[0].open_to_all, false)
  assert.equal(rows[0].rolcreatedb || rows[0].rolcreaterole, false)
  assert.ok(rows[0].per_role > 0)
})

test("who changes their role's own password is let in again by the next look, with the old one", async () => {
  assert.equal(await intruder.sql(a.ref, `ALTER ROLE ${a.ref} PASSWORD 'mine'`), "done")
  assert.match(await intruder.sql(a.ref, "SELECT 1"), /authentication failed/)
  await master.call("saas.tenant", "action_retry", [[a.id]])
  await waitForPhase(master, a.id, "running")
  assert.equal(await intruder.sql(a.ref, "SELECT 1"), "1")
  const entries = await master.search(
    "saas.operation.step",
    [
      ["operation_id.tenant_id", "=", a.id],
      ["name", "=", "repair_rights"],
    ],
    ["state"],
  )
  assert.ok(entries.length > 0, "the repair is on record")
})

test("hears nothing of another tenant's bus", async () => {
  const listener = (tenant: Intruder) =>
    new pg.Client({
      host: tenant.option("db_host"),
      port: Number(tenant.option("db_port")),
      user: tenant.ref,
      password: tenant.option("db_password"),
      database: tenant.ref,
    })
  const [mine, theirs] = [listener(intruder), listener(victim)]
  await Promise.all([mine.connect(), theirs.connect()])
  const heard: string[] = []
  try {
    mine.on("notification", () => heard.push(a.ref))
    const told = new Promise<void>((resolve) => theirs.on("notification", () => resolve()))
    await Promise.all([mine.query("LISTEN imbus"), theirs.query("LISTEN imbus")])
    const owner = await TenantUser.signOn(signer, b, "owner@beta.example")
    await owner.python("env.user.partner_id._bus_send('simple_notification', {'message': 'for beta only'})")
    await told
    // What was sent before this answer has been delivered before it.
    await mine.query("SELECT 1")
    assert.deepEqual(heard, [])
  } finally {
    await Promise.all([mine.end(), theirs.end()])
  }
})

test("tokens of one tenant mean nothing to another", async () => {
  const person = { login: "owner@beta.example", name: "Owner" }
  const forB = await signOnToken(signer, b, person)
  assert.ok((await redeem(a, forB)).status >= 400)
  assert.ok((await redeem(b, forB)).status < 400)
  assert.ok((await redeem(b, forB)).status >= 400, "and none is good twice")

  const reset = await admin.python<{ token: string }>(
    "action = {'type': 'ir.actions.act_window_close', 'token': env.user.partner_id._generate_signup_token()}",
  )
  const page = (tenant: TenantRow) => visit(`${tenant.url}/web/reset_password?token=${encodeURIComponent(reset.token)}`)
  assert.match((await page(a)).body, /name="password"/)
  assert.doesNotMatch((await page(b)).body, /name="password"/)
})

test("raises no limit by what is stored inside the tenant", async () => {
  await admin.python(
    [
      "params = env['ir.config_parameter'].sudo().search([('key', 'like', 'saas')])",
      "for param in params: env.cr.execute(\"UPDATE ir_config_parameter SET value = replace(value, '5', '9') WHERE id = %s\", (param.id,))",
      "env.registry.clear_cache()",
    ].join("\n"),
  )
  await assert.rejects(
    admin.python(
      "for n in range(20): env['res.users'].create({'name': 'Extra %s' % n, 'login': 'extra%s' % n, 'group_ids': [(6, 0, [env.ref('base.group_user').id])]})",
    ),
    TenantSaidNo,
  )
  await master.call("saas.tenant", "action_retry", [[a.id]])
  await waitForPhase(master, a.id, "running")
})

test("users made past every check by SQL are noticed from outside, deactivated and on record", async () => {
  const count = () => intruder.sql(a.ref, "SELECT count(*) FROM res_users WHERE active AND NOT share AND id <> 1")
  await intruder.sql(
    a.ref,
    `INSERT INTO res_users (login, partner_id, company_id, active, share, notification_type)
     SELECT 'sneaky' || n, (SELECT partner_id FROM res_users WHERE id = 2), 1, true, false, 'email'
       FROM generate_series(1, 20) n`,
  )
  assert.ok(Number(await count()) > 20)
  await until("the users beyond the plan are deactivated", async () => Number(await count()) <= 5, { seconds: 90 })
  const audited = async () => {
    const own = [["tenant_ref", "=", a.ref]] as const
    const entries = await master.search<{ reason: string }>("saas.audit.entry", own, ["reason"])
    return entries.some(({ reason }) => /user/i.test(reason || ""))
  }
  await until("the audit log tells why", audited)
  assert.equal(await intruder.sql(a.ref, "SELECT active FROM res_users WHERE login = 'owner@alpha.example'"), "True")
})

test("reaches neither the other tenant, nor the sidecar, nor the master, nor the proxy through localhost", async () => {
  assert.equal(await intruder.connect(addressOf(intruder), 869), "open")
  for (const [host, port] of [
    [addressOf(victim), 869],
    ["127.0.0.1", it.ports.sidecar],
    ["127.0.0.1", it.ports.http],
    ["::1", it.ports.http],
  ] as const) {
    assert.notEqual(await intruder.connect(host, port), "open", `${host}:${port}`)
  }
  for (const path of [it.masterSocket, join(it.stateDir, "sockets/sidecar/sidecar.sock")]) {
    assert.equal(await intruder.enter(path), "PermissionError", path)
  }
  assert.equal(await intruder.enter(join(it.postgres.sockets, `.s.PGSQL.${it.ports.postgres}`)), "open")
})

test("a webhook action posts to none of them either", async () => {
  for (const url of [`http://${addressOf(victim)}:869/saas/control`, `http://127.0.0.1:${it.ports.sidecar}/nudge`]) {
    const models = await admin.call<{ id: number }[]>("ir.model", "search_read", [[["model", "=", "res.users"]]], {
      fields: ["id"],
    })
    const hook = await admin.call<number>("ir.actions.server", "create", [
      { name: "hook", model_id: models[0]?.id, state: "webhook", webhook_url: url },
    ])
    const context = { active_model: "res.users", active_id: 2, active_ids: [2] }
    await admin.call("ir.actions.server", "run", [[hook]], { context }).catch((error: unknown) => {
      assert.ok(error instanceof TenantSaidNo)
    })
  }
})

test("reaches nobody on the Internet once their plan says so, and is told why mail waits", async () => {
  const outside = await Outside.open(Number(it.network.split(".")[1]), [443])
  const [plan] = await master.search<{ id: number }>("product.template", [["is_saas_plan", "=", true]], ["id"], 1)
  const change = async (values: Record<string, boolean>) => {
    await master.write("product.template", plan?.id ?? 0, values)
    await waitForPhase(master, a.id, "running")
  }
  const server = await admin.call<number>("ir.mail_server", "create", [{ name: "Theirs", smtp_host: outside.address }])
  const waits = () => admin.call("ir.mail_server", "test_smtp_connection", [[server]])
  try {
    assert.equal(await intruder.connect(outside.address, 443), "open")
    await assert.rejects(waits(), /has not set up a mail relay/)
    const before = pidOf(it, a.ref)
    await change({ saas_outgoing_https: false })
    assert.notEqual(await intruder.connect(outside.address, 443), "open")
    assert.equal(pidOf(it, a.ref), before)
    await change({ saas_outgoing_mail: false })
    await assert.rejects(waits(), /does not include outgoing mail.*\/my\/odoo\//)
    await change({ saas_outgoing_https: true })
    assert.equal(await intruder.connect(outside.address, 443), "open")
  } finally {
    await change({ saas_outgoing_https: true, saas_outgoing_mail: true })
    await outside.close()
  }
})

test("reads no file of another tenant and no secret of the operator, and signals nobody", async () => {
  const read = (path: string) =>
    intruder.python(`
try: print(len(open(${JSON.stringify(path)}, "rb").read()) > 0)
except OSError as error: print(type(error).__name__)`)
  assert.equal(await read(join(it.stateDir, "tenants", a.ref, "odoo.conf")), "True")
  for (const path of [
    join(it.stateDir, "tenants", b.ref, "odoo.conf"),
    join(it.stateDir, "tenants", b.ref, "log", "odoo.log"),
    it.secrets.path("root-key"),
    it.secrets.path("nudge-token"),
    it.secrets.path("pg-operator-password"),
  ]) {
    assert.equal(await read(path), "PermissionError", path)
  }
  const pid = pidOf(it, b.ref)
  assert.equal(
    await intruder.python(`
import os
try: os.kill(${pid}, 9); print("killed")
except OSError as error: print(type(error).__name__)
try: open("/proc/${pid}/environ").read(); print("read")
except OSError as error: print(type(error).__name__)`),
    "PermissionError\nPermissionError",
  )
})

for (const part of [neighbours, doors]) part(test, () => ({ it, a, b, intruder, victim, admin }))

/** Where a tenant listens: what its own configuration calls its internal address. */
function addressOf(tenant: Intruder): string {
  return new URL(tenant.option("saas_internal_url")).hostname
}

test.run()
