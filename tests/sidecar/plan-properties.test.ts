import fc from "fast-check"
import { suite } from "uvu"
import * as assert from "uvu/assert"
import { type Decision, plan } from "../../sidecar/domain/plan.ts"
import { desiredStates, type TenantSpec } from "../../sidecar/domain/tenant.ts"
import {
  applyHalf,
  applyStep,
  emptyModel,
  type Interference,
  interferences,
  type Model,
  observeModel,
  wantedOf,
} from "./helpers/model.ts"
import { aSpec } from "./helpers/spec.ts"

const test = suite("plan, whatever happens")

/** The longest way: a running tenant with everything wrong is backed up, verified and deleted, or made from nothing. */
const mostSteps = 22

const specs: fc.Arbitrary<TenantSpec> = fc
  .record({
    desired: fc.constantFrom(...desiredStates),
    memoryMb: fc.constantFrom(1024, 2048),
    users: fc.constantFrom(3, 5),
    hosts: fc.subarray(["acme.localhost", "www.acme.example", "shop.acme.example"], { minLength: 1 }),
  })
  .map(({ desired, memoryMb, users, hosts }) =>
    aSpec({
      desired,
      limits: { ...aSpec().limits, memoryMb, users },
      hosts: hosts.map((name, index) => ({ name, primary: index === 0 })),
    }),
  )

interface Event {
  /** What is wanted from here on; null: what was wanted before. */
  readonly spec: TenantSpec | null
  readonly interference: Interference
  /** The worker is killed in the middle of the step. */
  readonly killed: boolean
}

const events: fc.Arbitrary<Event> = fc.record({
  spec: fc.option(specs, { freq: 4 }),
  interference: fc.oneof(
    { weight: 3, arbitrary: fc.constant<Interference>("nothing") },
    { weight: 1, arbitrary: fc.constantFrom(...(Object.keys(interferences) as Interference[])) },
  ),
  killed: fc.boolean(),
})

const histories = fc.record({
  dedicated: fc.boolean(),
  pods: fc.boolean(),
  first: specs,
  events: fc.array(events, { maxLength: 60 }),
})

test("from every reachable state it comes to rest where the spec wants it, and loses nothing on the way", () => {
  fc.assert(
    fc.property(histories, specs, (history, last) => {
      const { model } = live(history)
      const { model: rest, decision } = settle(interferences.tenMinutesPass(model), last)
      if (decision.kind === "blocked") {
        // Only what a person must decide. The database was deleted before: now it is wanted again, or what is left of
        // the tenant would go although its final backup was damaged since.
        assert.is(rest.stage, "absent")
        const isWantedAgain = last.desired === "running" && (rest.backup !== null || rest.files === "present")
        const isAllThereIs = last.desired === "deleted" && rest.files === "present" && rest.backup?.verified === false
        assert.ok(isWantedAgain || isAllThereIs, decision.reason)
        return
      }
      assert.is(decision.kind, "done")
      assertIsAsWanted(rest, last)
    }),
    { numRuns: 3000 },
  )
})

test("what is done stays done: looking again changes nothing", () => {
  fc.assert(
    fc.property(histories, (history) => {
      const { model, spec } = live(history)
      const { model: rest, decision } = settle(interferences.tenMinutesPass(model), spec)
      assert.equal(decide(rest, spec), decision)
    }),
    { numRuns: 1000 },
  )
})

test("one that crashes again and again is waited for, and nobody is sent to it meanwhile", () => {
  fc.assert(
    fc.property(histories, specs, (history, last) => {
      const { model } = live(history)
      const runtime = { state: "stopped", fingerprint: "", crashes: 5 } as const
      const { model: rest, decision } = settle({ ...model, runtime }, { ...last, desired: "running" })
      if (decision.kind === "blocked") return
      assert.is(decision.kind, "wait")
      assert.is(rest.runtime.state, "stopped")
      assert.is.not(rest.route.state.kind, "up")
    }),
    { numRuns: 1000 },
  )
})

test("every step may be done twice", () => {
  fc.assert(
    fc.property(histories, (history) => {
      const { model, spec } = live(history)
      const decision = decide(model, spec)
      if (decision.kind !== "step") return
      const once = applyStep(model, decision.step, spec)
      assert.equal(applyStep(once, decision.step, spec), once)
    }),
    { numRuns: 1000 },
  )
})

test("a foreign database is never touched, whatever is wanted", () => {
  fc.assert(
    fc.property(histories, specs, (history, spec) => {
      const { model } = live(history)
      const { model: rest, decision } = settle({ ...model, server: "ready", stage: "foreign" }, spec)
      assert.is(rest.stage, "foreign")
      assert.is(decision.kind, "blocked")
    }),
    { numRuns: 1000 },
  )
})

test.run()

function decide(model: Model, spec: TenantSpec): Decision {
  const database = model.dedicated ? "dedicated" : "shared"
  return plan({ ...spec, database }, wantedOf(spec), observeModel(model))
}

interface History {
  readonly dedicated: boolean
  readonly pods: boolean
  readonly first: TenantSpec
  readonly events: readonly Event[]
}

/** The model itself throws where something is done that must never be done. */
function live({ dedicated, pods, first, events }: History): {
  readonly model: Model
  readonly spec: TenantSpec
} {
  let model: Model = { ...emptyModel, dedicated, pods, server: dedicated ? "absent" : "ready" }
  let spec = first
  for (const event of events) {
    spec = event.spec ?? spec
    const decision = decide(model, spec)
    if (decision.kind === "step") {
      const half = event.killed ? applyHalf(model, decision.step, spec) : null
      model = half ?? applyStep(model, decision.step, spec)
    }
    model = interferences[event.interference](model)
  }
  return { model, spec }
}

function settle(from: Model, spec: TenantSpec): { readonly model: Model; readonly decision: Decision } {
  let model = from
  const steps: string[] = []
  for (;;) {
    const decision = decide(model, spec)
    if (decision.kind !== "step") return { model, decision }
    steps.push(decision.step.kind)
    if (steps.length > mostSteps) throw new Error(`It does not come to rest: ${steps.join(", ")}`)
    model = applyStep(model, decision.step, spec)
  }
}

function assertIsAsWanted(model: Model, spec: TenantSpec): void {
  switch (spec.desired) {
    case "running":
      assert.is(model.runtime.state, "ready")
      assert.is(model.role, "right")
      assert.equal([...model.route.hosts].sort(), spec.hosts.map(({ name }) => name).sort())
      assert.equal(model.route.state, { kind: "up" })
      assert.is(model.runtime.fingerprint, wantedOf(spec).runtimeFingerprint)
      assert.is(model.settings, wantedOf(spec).settingsFingerprint)
      assert.ok(model.users <= spec.limits.users)
      return
    case "suspended":
      assert.is(model.runtime.state, "stopped")
      assert.equal(model.route.state, { kind: "suspended" })
      return
    case "deleted":
      assert.is(model.stage, "absent")
      assert.is(model.role, "absent")
      assert.is(model.files, "absent")
      assert.is(model.server, model.dedicated ? "absent" : "ready")
      assert.equal(model.route, { hosts: [], state: { kind: "none" } })
  }
}
