import { suite } from "uvu"
import * as assert from "uvu/assert"
import { RetryableError } from "../../sidecar/domain/errors.ts"
import { Turns } from "../../sidecar/domain/turns.ts"
import { until } from "../helpers/wait.ts"
import { FakeMaster } from "./helpers/fake-master.ts"
import { FakeWorld } from "./helpers/fake-world.ts"
import { aSpec } from "./helpers/spec.ts"
import { ended, reasonOf, surroundings, Workers } from "./helpers/workers.ts"

const test = suite("worker")

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
  workers.start()
  await ended(operation)
  assert.equal(operation.outcome, { kind: "done", generation: 1 })
  assert.equal(world.actsOf(spec.id), madeFromNothing)
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
  workers.start()
  await until("the clone is told of", async () => operation.steps.get(2)?.state === "running", { seconds: 5 })
  assert.is(operation.steps.get(1)?.state, "done")
  assert.is(master.statuses.get(spec.id)?.phase, "provisioning")
  held.release()
  await ended(operation)
  assert.equal(master.phases, ["provisioning", "running"])
})

test("the end of a step and the begin of the next are told in one call", async () => {
  const operation = master.want(spec)
  workers.start()
  await ended(operation)
  const reports = master.calls.filter((method) => method === "report").length
  assert.ok(reports <= operation.steps.size, `${reports} calls for ${operation.steps.size} steps`)
})

test("a claim whose reply was lost is asked again and done once", async () => {
  master.loseReplies("claim", 2)
  const operation = master.want(spec)
  workers.start()
  await ended(operation)
  assert.is(operation.attempt, 1)
  assert.equal(world.actsOf(spec.id), madeFromNothing)
})

test("leases that ran out unheard are kept, and nothing that is under way is begun anew", async () => {
  const held = world.hold("prepare_database")
  const operation = master.want(spec)
  const worker = workers.start({ leaseSeconds: 3600 })
  await held.reached
  master.letLeasesRunOut()
  const asked = () => master.calls.filter((method) => method === "claim").length
  const before = asked()
  await until("more work was asked for", async () => asked() > before + 2, { seconds: 5 })
  held.release()
  await ended(operation, worker)
  assert.is(operation.attempt, 1)
  assert.equal(world.actsOf(spec.id), madeFromNothing)
})

test("a renewal that was not answered is soon asked for again", async () => {
  const held = world.hold("prepare_database")
  master.want(spec)
  workers.start({ leaseSeconds: 3 })
  await held.reached
  const renewals = () => master.calls.filter((method) => method === "renew").length
  await until("it renews", async () => renewals() > 0, { seconds: 5 })
  master.goAway()
  const before = renewals()
  await until("it asks again and again", async () => renewals() > before + 3, { seconds: 2 })
  master.comeBack()
  held.release()
})

test("a worker that dies after a step has told that it came to it", async () => {
  const held = world.hold("prepare_database")
  const operation = master.want(spec)
  workers.start()
  await held.reached
  assert.is(operation.steps.get(2)?.name, "clone_database")
  held.release()
  await ended(operation)
  assert.is(operation.steps.get(2)?.state, "done")
})

test("an end whose reply was lost is told again and changes nothing", async () => {
  master.loseReplies("finish", 1)
  const operation = master.want(spec)
  const worker = workers.start({ leaseSeconds: 3600 })
  await ended(operation)
  await until("the worker has let go", async () => worker.running === 0, { seconds: 5 })
  assert.is(master.calls.filter((method) => method === "finish").length, 2)
  assert.is(operation.state, "done")
})

test("steps that could not be told while the master was away are told later", async () => {
  const held = world.hold("prepare_database")
  const operation = master.want(spec)
  workers.start()
  await held.reached
  master.goAway()
  held.release()
  await until("it has gone on without the master", async () => world.actsOf(spec.id).includes("route"), { seconds: 5 })
  master.comeBack()
  await ended(operation)
  assert.is(operation.steps.size, madeFromNothing.length)
  assert.is(master.statuses.get(spec.id)?.phase, "running")
})

test("a lease that another has now stops the work, and nothing more is changed or told", async () => {
  const held = world.hold("create_files")
  const operation = master.want(spec)
  const worker = workers.start()
  await held.reached
  master.giveToAnother(operation)
  await until("the worker has let go", async () => worker.running === 0, { seconds: 5 })
  assert.not.ok(world.actsOf(spec.id).includes("create_files"))
  assert.is(operation.state, "running", "its end is the other's to tell")
})

test("an act that comes too late is refused by the epoch, even where nobody told the worker", async () => {
  const held = world.hold("create_files")
  const operation = master.want(spec)
  workers.start({ leaseSeconds: 3600 })
  await held.reached
  await claimedByAnother()
  held.release()
  await ended(operation)
  assert.not.ok(world.actsOf(spec.id).includes("create_files"))
  assert.is(operation.outcome?.kind, "retry")
  assert.match(reasonOf(operation), "is over")
})

test("the end that a stale worker tells changes nothing", async () => {
  const held = world.hold("create_files")
  const operation = master.want(spec)
  const worker = workers.start({ leaseSeconds: 3600 })
  await held.reached
  master.giveToAnother(operation)
  await claimedByAnother()
  held.release()
  await until("the worker has let go", async () => worker.running === 0, { seconds: 5 })
  assert.is(operation.outcome, null)
  assert.is(operation.state, "running")
})

test("a graceful stop finishes the act under way and hands the lease back", async () => {
  const held = world.hold("clone_database")
  const operation = master.want(spec)
  const worker = workers.start()
  await held.reached
  const stopped = worker.stop()
  held.release()
  await stopped
  assert.equal(operation.outcome, { kind: "released" })
  assert.is(operation.state, "queued")
  assert.equal(world.actsOf(spec.id), ["build_template", "clone_database"])
  const next = workers.start()
  await ended(operation)
  assert.is(operation.attempt, 1, "handing back does not count as a try")
  assert.is(next.running <= 1, true)
})

test("an act that takes too long is cut short by a stop, and handed back all the same", async () => {
  const held = world.hold("clone_database")
  const operation = master.want(spec)
  const worker = workers.start({ graceSeconds: 0.1 })
  await held.reached
  await worker.stop()
  assert.equal(operation.outcome, { kind: "released" })
  assert.equal(world.actsOf(spec.id), ["build_template"])
})

test("what an unanswered claim has leased is handed back by a stop", async () => {
  master.loseReplies("claim", 1)
  const operation = master.want(spec)
  const worker = workers.start({ pollSeconds: 60 })
  await until("it was claimed", async () => operation.state === "running", { seconds: 5 })
  await worker.stop()
  assert.is(operation.state, "queued")
})

test("several tenants are worked on at once, and never more than allowed", async () => {
  const ids = ["taaaaaaaaaa", "tbbbbbbbbbb", "tcccccccccc"]
  const held = world.hold("prepare_database")
  const operations = ids.map((id) => master.want(aSpec({ id })))
  const worker = workers.start({ maxOperations: 2 })
  await held.reached
  await until("the others are done", async () => operations.filter(({ state }) => state === "done").length === 2, {
    seconds: 5,
  })
  assert.is(worker.running, 1)
  held.release()
  await Promise.all(operations.map((operation) => ended(operation)))
})

test("no more are started at once than the machine has room for, and of those who wait the first sold is next", async () => {
  const target = { ...world.world.target, starts: new Turns(1) }
  const ids = ["taaaaaaaaaa", "tbbbbbbbbbb", "tcccccccccc"]
  const operations = ids.map((id) => master.want(aSpec({ id })))
  workers.start({ world: { ...world.world, target } })
  await Promise.all(operations.map((operation) => ended(operation)))
  const begun = world.acts.filter((act) => /clone_database|start_runtime/.test(act))
  assert.equal(
    begun,
    ids.flatMap((id) => [`${id} clone_database`, `${id} start_runtime`]),
  )
})

test("nothing is claimed while nothing can be worked on", async () => {
  const operation = master.want(spec)
  let open = false
  const worker = workers.start({
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
  const worker = workers.start({ pollSeconds: 0.05 })
  await new Promise((resolve) => setTimeout(resolve, 1000))
  const asked = master.calls.length
  assert.ok(asked >= 2 && asked <= 8, `${asked} times in a second, with 20 polls`)
  master.comeBack()
  const operation = master.want(spec)
  worker.nudge()
  await ended(operation)
})

test.run()

/** PostgreSQL knows of a younger claim. */
async function claimedByAnother(): Promise<void> {
  const { signal } = new AbortController()
  await world.world.databases.raise({ tenant: spec.id, epoch: 99, server: "local", signal })
}
