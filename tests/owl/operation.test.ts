import { test } from "uvu"
import * as assert from "uvu/assert"
import {
  currentStep,
  hasEnded,
  mergeSteps,
  needsPerson,
  type Operation,
  type OperationStep,
  withMessage,
} from "../../owl-src/tenant/operation.ts"

const at = "2026-01-31 10:00:00"

function step(number: number, state: OperationStep["state"], more: Partial<OperationStep> = {}): OperationStep {
  return {
    number,
    name: "clone_database",
    state,
    started_at: at,
    duration_ms: 0,
    message: "",
    ...more,
  }
}

const operation: Operation = {
  id: 7,
  tenant_id: 3,
  template_id: false,
  target_id: false,
  subject: "Acme",
  intent: "make",
  title: "Set Up",
  state: "running",
  state_label: "Running",
  attempt: 1,
  message: "",
  created_at: at,
  started_at: at,
  ended_at: false,
  not_before: false,
  steps: [step(1, "running")],
}

test("steps that are told replace those of the same number and new ones follow", () => {
  const merged = mergeSteps([step(1, "running")], [step(2, "running"), step(1, "done", { duration_ms: 300 })])
  assert.equal(
    merged.map(({ number, state, duration_ms }) => [number, state, duration_ms]),
    [
      [1, "done", 300],
      [2, "running", 0],
    ],
  )
})

test("a late message does not make an ended step run again, a new try does", () => {
  assert.is(mergeSteps([step(1, "done")], [step(1, "running")])[0]?.state, "done")
  const again = step(1, "running", { started_at: "2026-01-31 10:05:00" })
  assert.is(mergeSteps([step(1, "failed")], [again])[0]?.state, "running")
})

test("the current step is the one under way, else the last", () => {
  assert.is(currentStep([]), undefined)
  assert.is(currentStep([step(1, "running"), step(2, "done")])?.number, 1)
  assert.is(currentStep([step(1, "done"), step(2, "failed")])?.number, 2)
})

test("a message changes state, words and steps, and nothing else", () => {
  const told = withMessage(operation, {
    id: 7,
    tenant_id: 3,
    template_id: false,
    target_id: false,
    intent: "make",
    state: "failed",
    message: false,
    steps: [step(1, "failed", { message: "The disk is full." })],
  })
  assert.is(told.state, "failed")
  assert.is(told.message, "")
  assert.is(told.steps[0]?.message, "The disk is full.")
  assert.is(told.subject, "Acme")
  assert.is(operation.state, "running", "the known operation is left as it was")
})

test("only queued and running operations go on; failed ones and those set aside need a person", () => {
  const states = ["queued", "running", "done", "failed", "cancelled", "set_aside"] as const
  assert.equal(
    states.filter((state) => !hasEnded(state)),
    ["queued", "running"],
  )
  assert.equal(states.filter(needsPerson), ["failed", "set_aside"])
})

test.run()
