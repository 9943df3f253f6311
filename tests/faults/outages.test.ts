/** What tenants run on is killed in mid-flight, one part after the other; everything comes back, once. */
import { strict as assert } from "node:assert"
import { availableParallelism } from "node:os"
import { suite } from "uvu"
import { Visitors } from "../contract/conformance/visitors.ts"
import { BusyProcesses } from "../helpers/busy.ts"
import { assertOneOfEach, pidOf } from "../helpers/census.ts"
import { DeafProxy } from "../helpers/deaf-proxy.ts"
import { holdDatabase } from "../helpers/hold.ts"
import { type Installation, makeInstallation } from "../helpers/installation.ts"
import { Master } from "../helpers/master.ts"
import {
  confirmOrder,
  confirmQuotation,
  draftQuotation,
  readTenant,
  type TenantRow,
  waitForPhase,
} from "../helpers/sales.ts"
import { SidecarLog } from "../helpers/sidecar-log.ts"
import { visit } from "../helpers/tenant.ts"
import { until } from "../helpers/wait.ts"

const test = suite("outages")
const quick = { LEASE_SECONDS: "3", POLL_SECONDS: "1" }
/** Where nothing else runs on two processors it is a fraction of it; tests run side by side with others. */
const mostSecondsAway = 5
/** What all of them may take among others who are busy. */
const busySeconds = 300

let it: Installation
let master: Master
const tenants: TenantRow[] = []

test.before(async () => {
  it = await makeInstallation("outages", { parts: "all", sidecarEnv: quick })
  master = new Master(it.master)
})

test.after(() => it.destroy())

async function sell(slug: string): Promise<TenantRow> {
  const tenant = await confirmQuotation(master, { slug })
  tenants.push(tenant)
  return tenant
}

async function assertAllAsTheyShouldBe(): Promise<void> {
  for (const { id } of tenants) await waitForPhase(master, id, "running")
  await assertOneOfEach(
    it,
    master,
    tenants.map(({ ref }) => ref),
  )
  for (const { url } of tenants) assert.equal((await visit(`${url}/web/login`)).status, 200, url)
}

test("a tenant whose process is killed is back in seconds, and nobody who comes meanwhile meets an error", async () => {
  const tenant = await sell("crashing")
  await waitForPhase(master, tenant.id, "running")
  const before = pidOf(it, tenant.ref)
  const visitors = new Visitors(() => visit(`${tenant.url}/web/login`), 4)
  await visitors.served(8)
  const killed = performance.now()
  process.kill(before, "SIGKILL")
  const late = await visit(`${tenant.url}/web/login`)
  const seconds = (performance.now() - killed) / 1000
  await visitors.served(8)
  const met = await visitors.leaveApart(killed)
  assert.deepEqual(met.after, new Set([200]))
  // What a process had sent half of when it was killed nobody can send the rest of; who had heard nothing is served.
  met.before.delete("aborted")
  assert.deepEqual(met.before, new Set([200]))
  assert.equal(late.status, 200)
  assert.ok(seconds < mostSecondsAway, `it was away for ${seconds} s`)
  assert.notEqual(pidOf(it, tenant.ref), before)
  await assertAllAsTheyShouldBe()
})

test("PostgreSQL crashes while a tenant is made", async () => {
  const log = new SidecarLog(it.sidecar.log)
  const tenant = await sell("flooded")
  await log.stepEnded("clone_database")
  await it.postgres.stop("immediate")
  await it.postgres.start()
  await waitForPhase(master, tenant.id, "running")
  await assertAllAsTheyShouldBe()
})

test("the master is killed while a tenant is made, and nothing that was done is forgotten", async () => {
  const log = new SidecarLog(it.sidecar.log)
  const tenant = await sell("orphaned")
  await log.stepEnded("clone_database")
  await it.masterServer.kill()
  await log.stepEnded("route")
  await it.masterServer.start()
  await waitForPhase(master, tenant.id, "running")
  await assertAllAsTheyShouldBe()
})

test("answers to claim, report and finish are lost", async () => {
  const proxy = await DeafProxy.start(it.masterSocket)
  const deaf = await it.anotherSidecar("deaf", { MASTER_URL: proxy.url })
  try {
    await it.sidecar.stop()
    await deaf.start()
    proxy.lose("claim", 2)
    proxy.lose("report", 2)
    proxy.lose("finish", 2)
    const tenant = await sell("unheard")
    await waitForPhase(master, tenant.id, "running")
    assert.deepEqual([...new Set(proxy.lost)].sort(), ["claim", "finish", "report"])
    const operations = await master.search<{ attempt: number }>(
      "saas.operation",
      [["tenant_id", "=", tenant.id]],
      ["attempt"],
    )
    assert.deepEqual(
      operations.map(({ attempt }) => attempt),
      operations.map(() => 1),
      "nothing was begun twice",
    )
  } finally {
    await deaf.stop()
    await proxy.stop()
    await it.sidecar.start()
  }
  await assertAllAsTheyShouldBe()
})

test("a sidecar that lost its lease in the middle of a command changes nothing, nor does the command", async () => {
  const other = await it.anotherSidecar("other", quick)
  const pid = it.sidecar.pid()
  assert.ok(pid)
  const letGo = await holdDatabase(it.postgres, await templateDatabase())
  try {
    const tenant = await sell("twice")
    const [command] = await until("PostgreSQL is to copy", () => copying(tenant.ref), { everyMs: 10 })
    process.kill(pid, "SIGSTOP")
    await other.start()
    const others = async () => (await copying(tenant.ref))?.every((session) => session !== command)
    await until("the other has ended that command and gives it itself", others)
    await letGo()
    await waitForPhase(master, tenant.id, "running")
    const database = await oidOf(tenant.ref)
    const process_ = pidOf(it, tenant.ref)
    const log = new SidecarLog(it.sidecar.log)
    process.kill(pid, "SIGCONT")
    await until("the first one notices", async () => log.lines().some(({ msg }) => /ended|taken/.test(msg)), {
      seconds: 30,
    })
    assert.equal(await oidOf(tenant.ref), database, "it is the same database")
    assert.equal(pidOf(it, tenant.ref), process_, "it is the same process")
    assert.equal((await readTenant(master, tenant.id)).phase, "running")
  } finally {
    await letGo()
    process.kill(pid, "SIGCONT")
    await other.stop()
  }
  await assertAllAsTheyShouldBe()
})

test("two sidecars share the work of many sales at once", async () => {
  const other = await it.anotherSidecar("second", quick)
  await other.start()
  try {
    for (const slug of ["one", "two", "three", "four"].map((name) => `crowd-${name}`)) await sell(slug)
    await assertAllAsTheyShouldBe()
  } finally {
    await other.stop()
  }
})

test("ten are sold at once on a machine where forty others are busy: each is made once, and in their order", async () => {
  const log = new SidecarLog(it.sidecar.log)
  const orders = await Promise.all(
    Array.from({ length: 10 }, (_, number) => draftQuotation(master, { slug: `busy-${number}` })),
  )
  const others = new BusyProcesses(40, busySeconds)
  let sold: TenantRow[]
  try {
    sold = await Promise.all(orders.map((order) => confirmOrder(master, order)))
    tenants.push(...sold)
    for (const { id } of sold) await waitForPhase(master, id, "running", busySeconds)
  } finally {
    await others.end()
  }
  const operations = await master.search<SoldOperation>(
    "saas.operation",
    [["tenant_id", "in", sold.map(({ id }) => id)]],
    ["tenant_id", "state", "attempt", "crashes"],
  )
  assert.deepEqual(
    operations.map(({ state, attempt, crashes }) => ({ state, attempt, crashes })),
    operations.map(() => ({ state: "done", attempt: 1, crashes: 0 })),
  )
  assert.deepEqual(
    log.lines().flatMap(({ msg }) => (/taken this over|ended by itself/.test(msg) ? [msg] : [])),
    [],
  )
  await assertServedInOrder(operations)
  await assertAllAsTheyShouldBe()
})

interface SoldOperation {
  readonly id: number
  readonly tenant_id: readonly [number, string]
  readonly state: string
  readonly attempt: number
  readonly crashes: number
}

/** Whoever is late for a turn is next, and those who are started at the same time may overtake each other. */
async function assertServedInOrder(operations: readonly SoldOperation[]): Promise<void> {
  const inOrder = [...operations].sort((one, other) => one.id - other.id)
  const sold = [...new Set(inOrder.map(({ tenant_id: [tenant] }) => tenant))]
  const served = await master.search<{ id: number; ready_at: string }>(
    "saas.tenant",
    [["id", "in", sold]],
    ["ready_at"],
  )
  const readyAt = new Map(served.map(({ id, ready_at }) => [id, ready_at]))
  const at = (id: number) => readyAt.get(id) ?? ""
  sold.forEach((id, place) => {
    const before = sold.slice(place + 1).filter((later) => at(later) < at(id))
    assert.ok(
      before.length < 2 * Math.max(2, availableParallelism()),
      `${before.length} that were sold later were served before ${id}`,
    )
  })
}

/** The sessions that are to copy for this tenant. */
async function copying(ref: string): Promise<number[] | null> {
  const { rows } = await it.postgres.query("postgres", (client) =>
    client.query<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'CREATE DATABASE%' AND query LIKE $1",
      [`%${ref}%`],
    ),
  )
  return rows.length === 0 ? null : rows.map(({ pid }) => pid)
}

async function templateDatabase(): Promise<string> {
  const { rows } = await it.postgres.query("postgres", (client) =>
    client.query<{ datname: string }>("SELECT datname FROM pg_database WHERE datname LIKE 'tpl%'"),
  )
  return rows[0]?.datname as string
}

async function oidOf(ref: string): Promise<number> {
  const { rows } = await it.postgres.query("postgres", (client) =>
    client.query<{ oid: number }>("SELECT oid FROM pg_database WHERE datname = $1", [ref]),
  )
  return rows[0]?.oid as number
}

test.run()
