import { suite } from "uvu"
import * as assert from "uvu/assert"
import { PermanentError, RetryableError } from "../../sidecar/domain/errors.ts"
import { Repetition } from "../../sidecar/reconcile/task.ts"
import { until } from "../helpers/wait.ts"
import { FakeMaster } from "./helpers/fake-master.ts"
import { FakeWorld } from "./helpers/fake-world.ts"
import { aSpec } from "./helpers/spec.ts"
import { ended, reasonOf, surroundings, Workers } from "./helpers/workers.ts"

const test = suite("what becomes of an operation")

let master: FakeMaster
let world: FakeWorld
let workers: Workers

test.before.each(() => {
  master = new FakeMaster()
  world = new FakeWorld()
  workers = new Workers(surroundings(master, world))
})

test.after.each(() => workers.stop())

const spec = aSpec()
const suspended = aSpec({ generation: 2, desired: "suspended" })

test("a suspension cuts in at once, and the tenant is never started", async () => {
  const held = world.hold("open_database")
  const operation = master.want(spec)
  const worker = workers.start({ leaseSeconds: 3600 })
  await held.reached
  master.change(suspended)
  worker.nudge()
  await ended(operation)
  assert.equal(operation.outcome, { kind: "done", generation: 2 })
  assert.not.ok(world.actsOf(spec.id).includes("start_runtime"))
  assert.equal(world.modelOf(spec.id).route.state, { kind: "suspended" })
  assert.is(master.statuses.get(spec.id)?.phase, "suspended")
  const cut = [...operation.steps.values()].find(({ name }) => name === "open_database")
  assert.is(cut?.state, "failed")
  assert.match(cut?.message ?? "", "Something else is wanted now")
})

test("other changes wait for the end of the step and are then planned for", async () => {
  const held = world.hold("open_database")
  const operation = master.want(spec)
  const worker = workers.start({ leaseSeconds: 3600 })
  await held.reached
  const hosts = [{ name: "other.localhost", primary: true }]
  master.change(aSpec({ generation: 2, hosts }))
  worker.nudge()
  await until("the lease was renewed", async () => master.calls.includes("renew"), { seconds: 5 })
  held.release()
  await ended(operation)
  assert.equal(operation.outcome, { kind: "done", generation: 2 })
  assert.equal(world.modelOf(spec.id).route.hosts, ["other.localhost"])
  assert.is(world.actsOf(spec.id).filter((act) => act === "route").length, 1)
})

test("a person's cancel ends the work where it is", async () => {
  const held = world.hold("clone_database")
  const operation = master.want(spec)
  const worker = workers.start({ leaseSeconds: 3600 })
  await held.reached
  operation.cancelled = true
  worker.nudge()
  await ended(operation)
  assert.is(operation.state, "cancelled")
  assert.not.ok(world.actsOf(spec.id).includes("clone_database"))
})

test("the same step without effect is given up after three times", async () => {
  world.idle.add("create_files")
  const operation = master.want(spec)
  workers.start()
  await ended(operation)
  assert.is(operation.outcome?.kind, "retry")
  assert.match(reasonOf(operation), "create_files was done three times and had no lasting effect")
  assert.is(world.actsOf(spec.id).filter((act) => act === "create_files").length, 3)
})

test("two steps that undo each other for ever are given up, too", () => {
  const repetition = new Repetition()
  for (let turn = 1; turn <= 3; turn += 1) {
    repetition.count({ kind: "bootstrap" })
    repetition.count({ kind: "start_runtime" })
  }
  assert.throws(() => repetition.count({ kind: "bootstrap" }), /no lasting effect/)
})

test("a passing fault is tried again later, with its reason on the tenant's page", async () => {
  world.failing.set("clone_database", new RetryableError("The disk is full."))
  const operation = master.want(spec)
  workers.start()
  await ended(operation)
  assert.is(operation.outcome?.kind, "retry")
  assert.is(reasonOf(operation), "The disk is full.")
  assert.equal(master.statuses.get(spec.id), {
    phase: "provisioning",
    generation: 1,
    message: "The disk is full.",
    additions: [],
    usage: null,
  })
})

test("what a new tenant uses is told together with its being ready", async () => {
  const operation = master.want(spec)
  workers.start()
  await ended(operation)
  assert.equal(operation.outcome, { kind: "done", generation: 1 })
  assert.equal(master.statuses.get(spec.id)?.usage, { users: 1, databaseMb: 48, filestoreMb: 3 })
})

test("a lasting fault fails the operation and the tenant", async () => {
  world.failing.set("build_template", new PermanentError("There is no module crmm."))
  const operation = master.want(spec)
  workers.start()
  await ended(operation)
  assert.equal(operation.outcome, { kind: "failed", reason: "There is no module crmm." })
  assert.is(master.statuses.get(spec.id)?.phase, "failed")
  assert.is(operation.steps.get(1)?.state, "failed")
})

test("a full disk fails the operation: it does not get emptier by trying again", async () => {
  const full = Object.assign(new Error("ENOSPC: no space left on device, mkdir '/state/tenants/x'"), { code: "ENOSPC" })
  world.failing.set("create_files", full)
  const operation = master.want(spec)
  workers.start()
  await ended(operation)
  assert.is(operation.outcome?.kind, "failed")
  assert.match(reasonOf(operation), /disk is full: .*\/state\/tenants\/x.*Free some space/)
  assert.is(master.statuses.get(spec.id)?.phase, "failed")
})

test("a tenant that goes on serving is not called failed by what could not be changed", async () => {
  const worker = workers.start()
  await ended(master.want(spec), worker)
  world.failing.set("stop_runtime", new PermanentError("It cannot be stopped."))
  const operation = master.want(aSpec({ generation: 2, limits: { ...spec.limits, memoryMb: 2048 } }))
  await ended(operation, worker)
  assert.is(operation.outcome?.kind, "failed")
  assert.is(master.statuses.get(spec.id)?.phase, "running")
})

test("a claim tells its end for those that follow only where everything that it has begun was answered", async () => {
  const failing = new RetryableError("The cluster does not answer.")
  world.failing.set("create_files", failing)
  const worker = workers.start()
  await ended(master.want(spec), worker)
  assert.equal(world.settled, [])
  world.failing.clear()
  await ended(master.want(aSpec({ generation: 2 })), worker)
  assert.equal(world.settled, [spec.id])
  const held = world.hold("route")
  const cut = master.want(aSpec({ generation: 3, hosts: [{ name: "other.localhost", primary: true }] }))
  worker?.nudge()
  await held.reached
  master.change(aSpec({ generation: 4, desired: "suspended" }))
  await ended(cut, worker)
  assert.equal(cut.outcome, { kind: "done", generation: 4 })
  assert.equal(world.settled, [spec.id])
})

test("an error that nobody expected is told as such and tried again", async () => {
  world.failing.set("clone_database", new TypeError("x is not a function"))
  const operation = master.want(spec)
  workers.start()
  await ended(operation)
  assert.is(operation.outcome?.kind, "retry")
  assert.match(reasonOf(operation), "Something unexpected went wrong")
})

test("an operation of a kind that is not known fails with words", async () => {
  master.specs.set(spec.id, spec)
  const operation = master.queue(spec.id, "upgrade")
  workers.start()
  await ended(operation)
  assert.is(operation.outcome?.kind, "failed")
  assert.match(reasonOf(operation), 'has no operation "upgrade". Update the sidecar')
})

test.run()
