import { suite } from "uvu"
import * as assert from "uvu/assert"
import { PermanentError, RetryableError } from "../../sidecar/domain/errors.ts"
import type { Worker } from "../../sidecar/reconcile/worker.ts"
import { FakeMaster, type Operation } from "./helpers/fake-master.ts"
import { FakeWorld } from "./helpers/fake-world.ts"
import { ended, surroundings, Workers } from "./helpers/workers.ts"

const test = suite("check of isolation")

let master: FakeMaster
let world: FakeWorld
let worker: Worker<string>

test.before.each(() => {
  master = new FakeMaster()
  world = new FakeWorld()
  world.ways = [{ from: "tenant", to: "other_tenant", name: "", wanted: "shut", found: "shut" }]
  worker = new Workers(surroundings(master, world)).start({ leaseSeconds: 3600, graceSeconds: 0.1 })
})

test.after.each(() => worker.stop())

test("its steps are told, and what it found is its end", async () => {
  const operation = await ended(check())
  assert.equal(operation.outcome, { kind: "checked", ways: world.ways })
  assert.equal(
    [...operation.steps.values()].map(({ name, state }) => `${name} ${state}`),
    ["start_probes done", "try_ways done", "remove_probes done"],
  )
})

test("each claim has probes of its own", async () => {
  await ended(check())
  await ended(check())
  assert.equal(
    world.acts,
    [1, 2].flatMap((epoch) => ["start_probes", "try_ways", "remove_probes"].map((act) => `${act} ${epoch}`)),
  )
})

test("what no waiting mends fails it with words, and its probes are taken away", async () => {
  world.failing.set("start_probes", new PermanentError("The image cannot be pulled."))
  const operation = await ended(check())
  assert.equal(operation.outcome, { kind: "failed", reason: "The image cannot be pulled." })
  assert.is(operation.steps.get(1)?.state, "failed")
  assert.equal(world.acts, ["remove_probes 1"])
})

test("a passing fault is tried again, from the beginning", async () => {
  world.failing.set("try_ways", new RetryableError("The cluster does not answer."))
  const operation = await ended(check())
  assert.is(operation.outcome?.kind, "retry")
  world.failing.clear()
  operation.state = "queued"
  await ended(operation, worker)
  assert.is(operation.outcome?.kind, "checked")
  assert.equal(world.acts, ["start_probes 1", "remove_probes 1", "start_probes 2", "try_ways 2", "remove_probes 2"])
})

test("a person's cancel ends it, and no probe is left", async () => {
  const held = world.hold("try_ways")
  const operation = check()
  await held.reached
  operation.cancelled = true
  await ended(operation, worker)
  assert.is(operation.outcome?.kind, "cancelled")
  assert.equal(world.acts, ["start_probes 1", "remove_probes 1"])
})

test("a stop hands it back, and no probe is left", async () => {
  const held = world.hold("start_probes")
  const operation = check()
  await held.reached
  await worker.stop()
  assert.equal(operation.outcome, { kind: "released" })
  assert.equal(world.acts, ["remove_probes 1"])
})

test("a target that can try nothing says so", async () => {
  Reflect.deleteProperty(world.world.target, "isolation")
  const operation = await ended(check())
  assert.is(operation.outcome?.kind, "failed")
  assert.match(JSON.stringify(operation.outcome), "nothing to try what tenants reach on local")
})

test.run()

function check(): Operation {
  const operation = master.queue("local", "check_isolation")
  worker.nudge()
  return operation
}
