import { pino } from "pino"
import { suite } from "uvu"
import * as assert from "uvu/assert"
import { PermanentError, RetryableError } from "../../sidecar/domain/errors.ts"
import { Metrics } from "../../sidecar/http/metrics.ts"
import { Repetition } from "../../sidecar/reconcile/task.ts"
import { Worker } from "../../sidecar/reconcile/worker.ts"
import { until } from "../helpers/wait.ts"
import { FakeMaster } from "./helpers/fake-master.ts"
import { FakeWorld } from "./helpers/fake-world.ts"
import { aSpec } from "./helpers/spec.ts"

const test = suite("worker")

let master: FakeMaster
let world: FakeWorld
let workers: Worker<string>[] = []

test.before.each(() => {
  master = new FakeMaster()
  world = new FakeWorld()
  workers = []
})

test.after.each(async () => {
  await Promise.all(workers.map((worker) => worker.stop()))
})

const spec = aSpec()
const suspended = aSpec({ generation: 2, desired: "suspended", reason: "Unpaid." })

const madeFromNothing = [
  "build_template",
  "clone_database",
  "prepare_database",
  "create_files",
  "open_database",
  "start_runtime",
  "bootstrap",
  "settings",
  "route",
]

test("a tenant is made step by step, and the master hears of every step and phase", async () => {
  const operation = master.want(spec)
  startWorker()
  await ended(operation)
  assert.equal(operation.outcome, { kind: "done", generation: 1 })
  assert.equal(actsOf(spec.id), madeFromNothing)
  const steps = [...operation.steps.values()]
  assert.ok(steps.every(({ state }) => state === "done"))
  assert.equal(
    steps.map(({ name }) => name),
    madeFromNothing.map((name) => (name === "settings" ? "apply_settings" : name)),
  )
  assert.equal(
    steps.map(({ number }) => number),
    steps.map((_, index) => index + 1),
  )
  assert.is(master.statuses.get(spec.id)?.phase, "running")
})

test("the master hears of a step while it is under way", async () => {
  const held = world.hold("clone_database")
  const operation = master.want(spec)
  startWorker()
  await until("the clone is told of", async () => operation.steps.get(2)?.state === "running", { seconds: 5 })
  assert.is(operation.steps.get(1)?.state, "done")
  assert.is(master.statuses.get(spec.id)?.phase, "provisioning")
  held.release()
  await ended(operation)
  assert.equal(master.phases, ["provisioning", "running"])
})

test("the end of a step and the begin of the next are told in one call", async () => {
  const operation = master.want(spec)
  startWorker()
  await ended(operation)
  const reports = master.calls.filter((method) => method === "report").length
  assert.ok(reports <= operation.steps.size, `${reports} calls for ${operation.steps.size} steps`)
})

test("a claim whose reply was lost is asked again and done once", async () => {
  master.loseReplies("claim", 2)
  const operation = master.want(spec)
  startWorker()
  await ended(operation)
  assert.is(operation.attempt, 1)
  assert.equal(actsOf(spec.id), madeFromNothing)
})

test("a worker that dies after a step has told that it came to it", async () => {
  const held = world.hold("prepare_database")
  const operation = master.want(spec)
  startWorker()
  await held.reached
  assert.is(operation.steps.get(2)?.name, "clone_database")
  held.release()
  await ended(operation)
  assert.is(operation.steps.get(2)?.state, "done")
})

test("an end whose reply was lost is told again and changes nothing", async () => {
  master.loseReplies("finish", 1)
  const operation = master.want(spec)
  const worker = startWorker({ leaseSeconds: 3600 })
  await ended(operation)
  await until("the worker has let go", async () => worker.running === 0, { seconds: 5 })
  assert.is(master.calls.filter((method) => method === "finish").length, 2)
  assert.is(operation.state, "done")
})

test("steps that could not be told while the master was away are told later", async () => {
  const held = world.hold("prepare_database")
  const operation = master.want(spec)
  startWorker()
  await held.reached
  master.goAway()
  held.release()
  await until("it has gone on without the master", async () => actsOf(spec.id).includes("route"), { seconds: 5 })
  master.comeBack()
  await ended(operation)
  assert.is(operation.steps.size, madeFromNothing.length)
  assert.is(master.statuses.get(spec.id)?.phase, "running")
})

test("a lease that another has now stops the work, and nothing more is changed or told", async () => {
  const held = world.hold("create_files")
  const operation = master.want(spec)
  const worker = startWorker()
  await held.reached
  master.giveToAnother(operation)
  await until("the worker has let go", async () => worker.running === 0, { seconds: 5 })
  assert.not.ok(actsOf(spec.id).includes("create_files"))
  assert.is(operation.state, "running", "its end is the other's to tell")
})

test("an act that comes too late is refused by the epoch, even where nobody told the worker", async () => {
  const held = world.hold("create_files")
  const operation = master.want(spec)
  startWorker({ leaseSeconds: 3600 })
  await held.reached
  await world.world.databases.raise({
    tenant: spec.id,
    epoch: 99,
    server: "local",
    signal: new AbortController().signal,
  })
  held.release()
  await ended(operation)
  assert.not.ok(actsOf(spec.id).includes("create_files"))
  assert.is(operation.outcome?.kind, "retry")
  assert.match(reasonOf(operation), "is over")
})

test("the end that a stale worker tells changes nothing", async () => {
  const held = world.hold("create_files")
  const operation = master.want(spec)
  const worker = startWorker({ leaseSeconds: 3600 })
  await held.reached
  master.giveToAnother(operation)
  await world.world.databases.raise({
    tenant: spec.id,
    epoch: 99,
    server: "local",
    signal: new AbortController().signal,
  })
  held.release()
  await until("the worker has let go", async () => worker.running === 0, { seconds: 5 })
  assert.is(operation.outcome, null)
  assert.is(operation.state, "running")
})

test("a suspension cuts in at once, and the tenant is never started", async () => {
  const held = world.hold("open_database")
  const operation = master.want(spec)
  const worker = startWorker({ leaseSeconds: 3600 })
  await held.reached
  master.change(suspended)
  worker.nudge()
  await ended(operation)
  assert.equal(operation.outcome, { kind: "done", generation: 2 })
  assert.not.ok(actsOf(spec.id).includes("start_runtime"))
  assert.equal(world.modelOf(spec.id).route.state, { kind: "suspended", reason: "Unpaid." })
  assert.is(master.statuses.get(spec.id)?.phase, "suspended")
  const cut = [...operation.steps.values()].find(({ name }) => name === "open_database")
  assert.is(cut?.state, "failed")
  assert.match(cut?.message ?? "", "Something else is wanted now")
})

test("other changes wait for the end of the step and are then planned for", async () => {
  const held = world.hold("open_database")
  const operation = master.want(spec)
  const worker = startWorker({ leaseSeconds: 3600 })
  await held.reached
  const hosts = [{ name: "other.localhost", primary: true }]
  master.change(aSpec({ generation: 2, hosts }))
  worker.nudge()
  await until("the lease was renewed", async () => master.calls.includes("renew"), { seconds: 5 })
  held.release()
  await ended(operation)
  assert.equal(operation.outcome, { kind: "done", generation: 2 })
  assert.equal(world.modelOf(spec.id).route.hosts, ["other.localhost"])
  assert.is(actsOf(spec.id).filter((act) => act === "route").length, 1)
})

test("a person's cancel ends the work where it is", async () => {
  const held = world.hold("clone_database")
  const operation = master.want(spec)
  const worker = startWorker({ leaseSeconds: 3600 })
  await held.reached
  operation.cancelled = true
  worker.nudge()
  await ended(operation)
  assert.is(operation.state, "cancelled")
  assert.not.ok(actsOf(spec.id).includes("clone_database"))
})

test("a graceful stop finishes the act under way and hands the lease back", async () => {
  const held = world.hold("clone_database")
  const operation = master.want(spec)
  const worker = startWorker()
  await held.reached
  const stopped = worker.stop()
  held.release()
  await stopped
  assert.equal(operation.outcome, { kind: "released" })
  assert.is(operation.state, "queued")
  assert.equal(actsOf(spec.id), ["build_template", "clone_database"])
  const next = startWorker()
  await ended(operation)
  assert.is(operation.attempt, 1, "handing back does not count as a try")
  assert.is(next.running <= 1, true)
})

test("an act that takes too long is cut short by a stop, and handed back all the same", async () => {
  const held = world.hold("clone_database")
  const operation = master.want(spec)
  const worker = startWorker({ graceSeconds: 0.1 })
  await held.reached
  await worker.stop()
  assert.equal(operation.outcome, { kind: "released" })
  assert.equal(actsOf(spec.id), ["build_template"])
})

test("what an unanswered claim has leased is handed back by a stop", async () => {
  master.loseReplies("claim", 1)
  const operation = master.want(spec)
  const worker = startWorker({ pollSeconds: 60 })
  await until("it was claimed", async () => operation.state === "running", { seconds: 5 })
  await worker.stop()
  assert.is(operation.state, "queued")
})

test("the same step without effect is given up after three times", async () => {
  world.idle.add("create_files")
  const operation = master.want(spec)
  startWorker()
  await ended(operation)
  assert.is(operation.outcome?.kind, "retry")
  assert.match(reasonOf(operation), "create_files was done three times and had no lasting effect")
  assert.is(actsOf(spec.id).filter((act) => act === "create_files").length, 3)
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
  startWorker()
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

test("a lasting fault fails the operation and the tenant", async () => {
  world.failing.set("build_template", new PermanentError("There is no module crmm."))
  const operation = master.want(spec)
  startWorker()
  await ended(operation)
  assert.equal(operation.outcome, { kind: "failed", reason: "There is no module crmm." })
  assert.is(master.statuses.get(spec.id)?.phase, "failed")
  assert.is(operation.steps.get(1)?.state, "failed")
})

test("a full disk fails the operation: it does not get emptier by trying again", async () => {
  const full = Object.assign(new Error("ENOSPC: no space left on device, mkdir '/state/tenants/x'"), { code: "ENOSPC" })
  world.failing.set("create_files", full)
  const operation = master.want(spec)
  startWorker()
  await ended(operation)
  assert.is(operation.outcome?.kind, "failed")
  assert.match(reasonOf(operation), /disk is full: .*\/state\/tenants\/x.*Free some space/)
  assert.is(master.statuses.get(spec.id)?.phase, "failed")
})

test("a tenant that goes on serving is not called failed by what could not be changed", async () => {
  await ended(master.want(spec), startWorker())
  world.failing.set("stop_runtime", new PermanentError("It cannot be stopped."))
  const operation = master.want(aSpec({ generation: 2, limits: { ...spec.limits, memoryMb: 2048 } }))
  await ended(operation, workers[0])
  assert.is(operation.outcome?.kind, "failed")
  assert.is(master.statuses.get(spec.id)?.phase, "running")
})

test("a claim tells its end for those that follow only where everything that it has begun was answered", async () => {
  const failing = new RetryableError("The cluster does not answer.")
  world.failing.set("create_files", failing)
  await ended(master.want(spec), startWorker())
  assert.equal(world.settled, [])
  world.failing.clear()
  await ended(master.want(aSpec({ generation: 2 })), workers[0])
  assert.equal(world.settled, [spec.id])
  const held = world.hold("route")
  const cut = master.want(aSpec({ generation: 3, hosts: [{ name: "other.localhost", primary: true }] }))
  workers[0]?.nudge()
  await held.reached
  master.change(aSpec({ generation: 4, desired: "suspended", reason: "Unpaid." }))
  await ended(cut, workers[0])
  assert.equal(cut.outcome, { kind: "done", generation: 4 })
  assert.equal(world.settled, [spec.id])
})

test("an error that nobody expected is told as such and tried again", async () => {
  world.failing.set("clone_database", new TypeError("x is not a function"))
  const operation = master.want(spec)
  startWorker()
  await ended(operation)
  assert.is(operation.outcome?.kind, "retry")
  assert.match(reasonOf(operation), "Something unexpected went wrong")
})

test("an operation of a kind that is not known fails with words", async () => {
  master.specs.set(spec.id, spec)
  const operation = master.queue(spec.id, "upgrade")
  startWorker()
  await ended(operation)
  assert.is(operation.outcome?.kind, "failed")
  assert.match(reasonOf(operation), 'has no operation "upgrade". Update the sidecar')
})

test("several tenants are worked on at once, and never more than allowed", async () => {
  const ids = ["taaaaaaaaaa", "tbbbbbbbbbb", "tcccccccccc"]
  const held = world.hold("prepare_database")
  const operations = ids.map((id) => master.want(aSpec({ id })))
  const worker = startWorker({ maxOperations: 2 })
  await held.reached
  await until("the others are done", async () => operations.filter(({ state }) => state === "done").length === 2, {
    seconds: 5,
  })
  assert.is(worker.running, 1)
  held.release()
  await Promise.all(operations.map((operation) => ended(operation)))
})

test("nothing is claimed while nothing can be worked on", async () => {
  const operation = master.want(spec)
  let open = false
  const worker = startWorker({
    gate: async () => {
      if (!open) throw new RetryableError("PostgreSQL is away.")
    },
  })
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.equal(master.calls, [])
  open = true
  worker.nudge()
  await ended(operation)
})

test("while the master is away it is asked less and less often, and a nudge asks at once", async () => {
  master.goAway()
  const worker = startWorker({ pollSeconds: 0.05 })
  await new Promise((resolve) => setTimeout(resolve, 1000))
  const asked = master.calls.length
  assert.ok(asked >= 2 && asked <= 8, `${asked} times in a second, with 20 polls`)
  master.comeBack()
  const operation = master.want(spec)
  worker.nudge()
  await ended(operation)
})

test.run()

interface Changes {
  readonly maxOperations?: number
  readonly leaseSeconds?: number
  readonly pollSeconds?: number
  readonly graceSeconds?: number
  readonly gate?: () => Promise<void>
}

function startWorker(changes: Changes = {}): Worker<string> {
  const worker = new Worker({
    name: "worker",
    master,
    world: world.world,
    telemetry: new Metrics(),
    log: pino({ level: "silent" }),
    gate: async () => undefined,
    maxOperations: 4,
    leaseSeconds: 0.3,
    pollSeconds: 0.05,
    graceSeconds: 5,
    ...changes,
  })
  workers.push(worker)
  worker.start()
  return worker
}

type Operation = ReturnType<FakeMaster["queue"]>

async function ended(operation: Operation, worker?: Worker<string>): Promise<void> {
  worker?.nudge()
  await until("the operation has ended", async () => operation.state !== "queued" && operation.state !== "running", {
    seconds: 5,
    everyMs: 5,
  })
}

function actsOf(tenant: string): string[] {
  return world.acts.flatMap((act) => (act.startsWith(`${tenant} `) ? [act.slice(tenant.length + 1)] : []))
}

function reasonOf({ outcome }: Operation): string {
  return outcome !== null && "reason" in outcome ? outcome.reason : ""
}
