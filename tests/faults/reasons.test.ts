/** What cannot be done says why on the tenant's page; once that is mended, Retry works, and nothing half-made is left. */
import { strict as assert } from "node:assert"
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { suite } from "uvu"
import { run, tryRun } from "../../scripts/lib/commands.ts"
import { tenantPort } from "../../sidecar/drivers/process/place.ts"
import { assertOnlyOneOfEach, takeCensus } from "../helpers/census.ts"
import { type Installation, makeInstallation } from "../helpers/installation.ts"
import { Master } from "../helpers/master.ts"
import { confirmQuotation, deleteForGood, readTenant, type TenantRow, waitForPhase } from "../helpers/sales.ts"
import { visit } from "../helpers/tenant.ts"
import { until } from "../helpers/wait.ts"

const test = suite("what cannot be done")

const scratch = mkdtempSync(join(tmpdir(), "saas-reasons-"))
chmodSync(scratch, 0o755)
/** Some places allow nobody to mount anything, and there no disk can be made full. */
const canMount = await tryMount()
const testWithDisk = canMount ? test : test.skip
const mounted = new Set<string>()

let it: Installation
let master: Master
const running: string[] = []

test.before(async () => {
  it = await makeInstallation("reasons", { parts: "all", sidecarEnv: { LEASE_SECONDS: "3", POLL_SECONDS: "1" } })
  master = new Master(it.master)
})

test.after(async () => {
  // What is mounted below its folder would keep that from being removed; tablespaces are in use until it has ended.
  for (const folder of mounted) if (folder.startsWith(it.stateDir)) await unmount(folder)
  await it.destroy()
  for (const folder of mounted) await unmount(folder)
  rmSync(scratch, { recursive: true })
})

test("the address of a new tenant is taken by another program", async () => {
  const host = it.network.replace(/0$/, "1")
  const port = tenantPort(process.getuid?.() === 0)
  const stranger = await listen(port, host)
  const tenant = await confirmQuotation(master, { slug: "no-address" })
  await told(tenant, new RegExp(`Another process listens on ${host}:${port}`))
  await close(stranger)
  await retried(tenant)
})

test("nginx's port is taken by another program", async () => {
  await it.sidecar.stop()
  process.kill(Number(readFileSync(join(it.stateDir, "nginx", "nginx.pid"), "utf8")), "SIGTERM")
  const stranger = await until("the port is free", () => listen(it.ports.http, "0.0.0.0"))
  await it.sidecar.start()
  const tenant = await confirmQuotation(master, { slug: "no-port" })
  await told(tenant, new RegExp(`nginx does not start: .*:${it.ports.http} failed.*Address already in use`))
  await close(stranger)
  await retried(tenant)
})

testWithDisk("the disk for tenants' files is full", async () => {
  await it.sidecar.stop()
  const tenant = await confirmQuotation(master, { slug: "no-files" })
  const folder = join(it.stateDir, "tenants", tenant.ref)
  mkdirSync(folder)
  // Room for the folder itself, and for nothing in it.
  await mount(folder, "nr_inodes=1")
  await it.sidecar.start()
  await failed(tenant, /A disk is full: ENOSPC.*Free some space there, then retry/)
  await unmount(folder)
  await retried(tenant)
})

testWithDisk("the disk of the database server is full", async () => {
  const [template] = await templates()
  const disk = join(scratch, "databases")
  mkdirSync(disk)
  const { uid, gid } = statSync(it.postgres.data)
  await mount(disk, `mode=700,uid=${uid},gid=${gid}`)
  await sql(`CREATE TABLESPACE disk LOCATION '${disk}'`)
  await sql(`ALTER DATABASE ${template} SET TABLESPACE disk`)
  // A database is some thousand files.
  const used = Number((await run("df", ["--output=iused", disk])).split("\n")[1])
  await run("mount", ["-o", `remount,nr_inodes=${used + 500}`, disk])
  const tenant = await confirmQuotation(master, { slug: "no-database" })
  const givenUp = await confirmQuotation(master, { slug: "given-up" })
  for (const one of [tenant, givenUp]) {
    await failed(one, /The disk of the database server is full: .*No space left.*Free some space there, then retry/)
    await assertNothingOf(one)
  }
  await run("mount", ["-o", `remount,nr_inodes=${used * 10}`, disk])
  await retried(tenant)

  await deleteForGood(master, givenUp)
  await waitForPhase(master, givenUp.id, "deleted")
  await assertNothingOf(givenUp)
})

testWithDisk("the disk for backups is full in the middle of the final one: nothing is deleted", async () => {
  const tenant = await confirmQuotation(master, { slug: "no-backup" })
  await waitForPhase(master, tenant.id, "running")
  const folder = join(it.stateDir, "backups", tenant.ref)
  mkdirSync(folder, { mode: 0o700 })
  await mount(folder, "size=200k")
  await deleteForGood(master, tenant)
  await told(tenant, /pg_dump failed: .*No space left on device/)
  const left = () => sql(`SELECT FROM pg_database WHERE datname = '${tenant.ref}'`)
  assert.equal((await left()).rowCount, 1)
  await run("mount", ["-o", "remount,size=1g", folder])
  await master.call("saas.tenant", "action_retry", [[tenant.id]])
  await waitForPhase(master, tenant.id, "deleted")
  assert.deepEqual(readdirSync(folder), ["final"])
  assert.equal((await left()).rowCount, 0)
  await unmount(folder)
})

test("an app does not exist, then it cannot be installed, then it can", async () => {
  const addons = join(scratch, "addons")
  mkdirSync(addons)
  const release = await master.create("saas.release", {
    name: "With apps of our own",
    odoo_version: "19.0",
    source_ids: [[0, 0, { path: addons }]],
  })
  await master.create("product.template", {
    name: "Own apps",
    type: "service",
    is_saas_plan: true,
    saas_release_id: release,
    saas_module_names: "late_app",
  })
  const before = await templates()
  const tenant = await confirmQuotation(master, { slug: "own-apps", plan: "Own apps" })
  await failed(tenant, /asks for apps that this Odoo does not have: late_app/)
  const itself = () => master.search<{ message: string }>("saas.template", lateAppFailed, ["message"])
  const message = await until("the template's page says so, too", async () => (await itself())[0]?.message)
  assert.match(message, /late_app/)

  writeApp(addons, "<odoo><record id='x' model='no.such.model'/></odoo>")
  await master.call("saas.tenant", "action_retry", [[tenant.id]])
  await failed(tenant, /The template could not be built\. Odoo's last lines:.*no\.such\.model/s)
  assert.deepEqual(await templates(), before)
  await assertNothingOf(tenant)

  writeApp(addons, "<odoo/>")
  await retried(tenant)
})

const lateAppFailed = [
  ["module_names", "=", "late_app"],
  ["state", "=", "failed"],
] as const

/** Its page says so, whatever becomes of it. */
async function told(tenant: TenantRow, reason: RegExp): Promise<void> {
  const seen = async () => (await readTenant(master, tenant.id)).message || "no message"
  await until(`the page says ${reason}`, async () => reason.test(await seen()), { seconds: 120, seen })
}

/** Nobody goes on by themselves: a person has to do something first. */
async function failed(tenant: TenantRow, reason: RegExp): Promise<void> {
  const { message } = await waitForPhase(master, tenant.id, "failed", 240)
  assert.match(String(message), reason)
  const [last] = await master.search<{ state: string; message: string }>(
    "saas.operation",
    [["tenant_id", "=", tenant.id]],
    ["state", "message"],
    1,
  )
  assert.equal(last?.state, "failed")
  assert.match(String(last?.message), reason)
}

async function retried(tenant: TenantRow): Promise<void> {
  await master.call("saas.tenant", "action_retry", [[tenant.id]])
  await waitForPhase(master, tenant.id, "running", 240)
  assert.equal((await readTenant(master, tenant.id)).message, false)
  assert.equal((await visit(`${tenant.url}/web/login`)).status, 200)
  running.push(tenant.ref)
  await assertOnlyOneOfEach(it, running)
}

function writeApp(addons: string, data: string): void {
  const app = join(addons, "late_app")
  mkdirSync(app, { recursive: true })
  writeFileSync(join(app, "__init__.py"), "")
  const manifest = { name: "Late", license: "LGPL-3", depends: ["base"], data: ["data.xml"] }
  writeFileSync(join(app, "__manifest__.py"), JSON.stringify(manifest))
  writeFileSync(join(app, "data.xml"), data)
}

function listen(port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on("error", reject)
    server.listen(port, host, () => resolve(server))
  })
}

async function close(server: Server): Promise<void> {
  await new Promise((resolve) => server.close(resolve))
}

async function tryMount(): Promise<boolean> {
  const folder = join(scratch, "try")
  mkdirSync(folder)
  const { code } = await tryRun("mount", ["-t", "tmpfs", "tmpfs", folder])
  if (code === 0) await run("umount", [folder])
  return code === 0
}

async function mount(folder: string, options: string): Promise<void> {
  await run("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder])
  mounted.add(folder)
}

async function unmount(folder: string): Promise<void> {
  await run("umount", [folder])
  mounted.delete(folder)
}

async function sql(statement: string) {
  return await it.postgres.query("postgres", (client) => client.query(statement))
}

async function templates(): Promise<string[]> {
  const { rows } = await sql("SELECT datname FROM pg_database WHERE datname LIKE 'tpl%' ORDER BY datname")
  return rows.map(({ datname }) => datname)
}

async function assertNothingOf(tenant: TenantRow): Promise<void> {
  const census = Object.entries(await takeCensus(it))
  assert.deepEqual(
    census.flatMap(([what, those]) => (those.includes(tenant.ref) ? [what] : [])),
    [],
  )
}

test.run()
