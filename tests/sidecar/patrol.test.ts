import { pino } from "pino"
import { suite } from "uvu"
import * as assert from "uvu/assert"
import type { TenantSpec } from "../../sidecar/domain/tenant.ts"
import { Patrol, type PatrolOptions } from "../../sidecar/reconcile/patrol.ts"
import type { Worker } from "../../sidecar/reconcile/worker.ts"
import { until } from "../helpers/wait.ts"
import { FakeMaster } from "./helpers/fake-master.ts"
import { FakeWorld } from "./helpers/fake-world.ts"
import { aSpec } from "./helpers/spec.ts"
import { surroundings, Workers } from "./helpers/workers.ts"

const test = suite("patrol")

const spec = aSpec()

let master: FakeMaster
let world: FakeWorld
let worker: Worker<string>
let patrol: Patrol<string>
let reachable: boolean
let aPatrol: (roundSeconds: number, changes?: Partial<PatrolOptions<string>>) => Patrol<string>

test.before.each(() => {
  master = new FakeMaster()
  world = new FakeWorld()
  reachable = true
  const gate = async () => {
    if (!reachable) throw new Error("PostgreSQL is away.")
  }
  const around = { ...surroundings(master, world), gate }
  worker = new Workers(around).start({ leaseSeconds: 30, graceSeconds: 1 })
  aPatrol = (roundSeconds, changes = {}) =>
    new Patrol({
      ...around,
      roundSeconds,
      isWorkingOn: (tenant) => worker.isWorkingOn(tenant),
      asked: () => worker.nudge(),
      ...changes,
    })
  patrol = aPatrol(0.05)
})

test.after.each(async () => {
  await patrol.stop()
  await worker.stop()
})

test("a tenant that ended by itself is asked for, started again, and its page says so meanwhile", async () => {
  await made(spec)
  await watched()
  const held = world.hold("start_runtime")
  world.crash(spec.id)
  await held.reached
  assert.equal(master.listed.at(-1), [spec.id], "what is wanted of all others is not asked for because of it")
  assert.equal(master.asked, [{ tenant: spec.id, reason: "Its Odoo has ended by itself; it is started again." }])
  held.release()
  await until("it runs again", async () => world.modelOf(spec.id).runtime.state === "ready", { seconds: 5 })
})

test("one that ends while it is worked on is seen to afterwards", async () => {
  await made(spec)
  await watched()
  const held = world.hold("route")
  master.want(aSpec({ generation: 2, hosts: [{ name: "other.localhost", primary: true }] }))
  worker.nudge()
  await held.reached
  world.crash(spec.id)
  held.release()
  await until("it runs again", async () => world.modelOf(spec.id).runtime.state === "ready", { seconds: 5 })
})

test("what drifted without telling anybody is found on the round", async () => {
  await made(spec)
  await watched()
  world.models.set(spec.id, { ...world.modelOf(spec.id), role: "wrong" })
  await until("it is put right", async () => world.modelOf(spec.id).role === "right", { seconds: 5 })
  assert.match(master.asked[0]?.reason ?? "", "It is not as it should be; next comes repair rights.")
})

test("more users than the plan has are counted from outside and cut off", async () => {
  await made(spec)
  await watched()
  world.models.set(spec.id, { ...world.modelOf(spec.id), users: 40 })
  await until("they are cut off", async () => world.modelOf(spec.id).users === spec.limits.users, { seconds: 5 })
})

test("a tenant that is well costs no operation, and its use is told", async () => {
  await made(spec)
  await watched()
  await until("its use was told", async () => master.samples.length >= 2, { seconds: 5 })
  assert.equal(master.asked, [])
  const { tenant, users, databaseMb, filestoreMb } = master.samples[0] ?? {}
  assert.equal(
    { tenant, users, databaseMb, filestoreMb },
    { tenant: spec.id, users: 1, databaseMb: 48, filestoreMb: 3 },
  )
  assert.equal(master.statuses.get(spec.id)?.phase, "running")
})

test("a suspended tenant that ended is left alone", async () => {
  await made(spec)
  await made(aSpec({ generation: 2, desired: "suspended" }))
  await watched()
  world.crash(spec.id)
  await until("it was looked at", async () => master.statuses.get(spec.id)?.phase === "suspended", { seconds: 5 })
  await until("a round has passed", async () => master.calls.filter((call) => call === "observed").length > 2)
  assert.equal(master.asked, [])
})

test("one that cannot be helped is told of and not asked for again and again", async () => {
  await made(spec)
  await watched()
  world.models.set(spec.id, { ...world.modelOf(spec.id), stage: "absent", role: "absent" })
  await until("its page says so", async () => /database is gone/.test(master.statuses.get(spec.id)?.message ?? ""), {
    seconds: 5,
  })
  assert.is(master.statuses.get(spec.id)?.phase, "failed")
  assert.equal(master.asked, [])
})

test("a tenant that answers nobody keeps nobody else waiting", async () => {
  const silent = aSpec({ id: "tsilentaaaa", slug: "silent", hosts: [{ name: "silent.localhost", primary: true }] })
  await made(silent)
  await made(spec)
  await watched()
  let answer: () => void = () => undefined
  const silence = new Promise<void>((resolve) => {
    answer = resolve
  })
  let asked = false
  world.looks.set(silent.id, () => {
    asked = true
    return silence
  })
  await until("the round has come to it", async () => asked, { seconds: 5 })
  world.crash(spec.id)
  await until("the other runs again", async () => world.modelOf(spec.id).runtime.state === "ready", { seconds: 5 })
  answer()
})

test("an end that could not be looked at is not forgotten", async () => {
  await made(spec)
  patrol = aPatrol(3600)
  await watched()
  let failures = 0
  world.looks.set(spec.id, async () => {
    failures += 1
    if (failures === 1) throw new Error("The machine is busy.")
  })
  world.crash(spec.id)
  await until("it runs again", async () => world.modelOf(spec.id).runtime.state === "ready", { seconds: 15 })
})

test("what another sidecar is about is said once, however many rounds that takes", async () => {
  // Nobody here works on it.
  await worker.stop()
  master.want(spec)
  const said: string[] = []
  const log = pino({ level: "warn" }, { write: (line) => said.push(JSON.parse(line).msg) })
  patrol = aPatrol(0.05, { log })
  patrol.start()
  await until("several rounds have come to it", async () => master.asked.length > 3, { seconds: 5 })
  assert.equal(said, ["It is not made yet; next comes build template."])
})

test("while somebody is away it waits, and goes on by itself", async () => {
  await made(spec)
  reachable = false
  patrol.start()
  world.crash(spec.id)
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(master.asked, [])
  reachable = true
  await until("it runs again", async () => world.modelOf(spec.id).runtime.state === "ready", { seconds: 10 })
})

test.run()

async function made(wanted: TenantSpec): Promise<void> {
  const operation = master.want(wanted)
  worker.nudge()
  await until("it is made", async () => operation.state === "done" && worker.running === 0, { seconds: 5, everyMs: 5 })
}

/** The first round begins with what there is. */
async function watched(): Promise<void> {
  patrol.start()
  await until("the first look", async () => master.calls.includes("observed"), { seconds: 5, everyMs: 5 })
}
