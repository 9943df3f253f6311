import { defineMailModels } from "@mail/../tests/mail_test_helpers"
import { beforeEach, expect, test } from "@odoo/hoot"
import { queryAllAttributes, queryAllTexts } from "@odoo/hoot-dom"
import { StepTimeline } from "@saas_master/dist/backend"
import { contains, mountWithCleanup, onRpc } from "@web/../tests/web_test_helpers"
import type { Operation } from "../../owl-src/tenant/operation.ts"
import type { Timeline } from "../../owl-src/tenant/step_timeline.ts"
import {
  loseAndRegainConnection,
  makeOperation,
  makeStep,
  now,
  openTab,
  passTime,
  stepLabels,
  tellOperation,
  tellTenant,
} from "./helpers.ts"

defineMailModels()

let operation: Operation | null = null
let canRetry = true

beforeEach(() => {
  operation = makeOperation()
  canRetry = true
  onRpc("saas.fleet", "get_timeline", ({ args }): Timeline => {
    expect.step(`fetch ${args.join(" ")}`)
    return { now, step_labels: stepLabels, operation, can_retry: canRetry }
  })
})

async function openTimeline(date = now): Promise<void> {
  await openTab(date)
  await mountWithCleanup(StepTimeline, {
    props: { model: "saas.tenant", id: 3, onChanged: () => expect.step("changed") },
  })
  expect.verifySteps(["fetch saas.tenant 3"])
}

test("shows each step with its words, its state and how long it took", async () => {
  await openTimeline()
  expect(queryAllTexts(".o_saas_step_label")).toEqual(["Copy the template", "Start Odoo"])
  expect(queryAllAttributes(".o_saas_step_icon", "aria-label")).toEqual(["Done", "In progress"])
  expect(".o_saas_step_done .o_saas_step_duration").toHaveText("240ms")
  expect(".o_saas_step_running").toHaveAttribute("aria-current", "step")
})

test("the running step counts on by the server's clock, without asking", async () => {
  await openTimeline("2026-01-31 11:00:00")
  expect(".o_saas_step_running .o_saas_step_duration").toHaveText(/^1m( 1s)?$/)
  await passTime(5000)
  expect(".o_saas_step_running .o_saas_step_duration").toHaveText(/^1m [4-7]s$/)
  expect.verifySteps([])
})

test("a step that is told over the bus shows at once, without a fetch", async () => {
  await openTimeline()
  await tellOperation(
    makeOperation({
      steps: [
        makeStep(1, "clone_database"),
        makeStep(2, "start_runtime", { duration_ms: 1830 }),
        makeStep(3, "await_ready", { state: "running", message: "Odoo loads its modules" }),
      ],
    }),
  )
  expect(queryAllAttributes(".o_saas_step", "data-state")).toEqual(["done", "done", "running"])
  expect(".o_saas_step_message").toHaveText("Odoo loads its modules")
  await passTime()
  expect.verifySteps([])
})

test("an operation that ends fetches its times once and tells the form", async () => {
  await openTimeline()
  operation = makeOperation({ state: "done", state_label: "Done", ended_at: "2026-01-31 09:59:03", steps: [] })
  await tellOperation(operation)
  await tellOperation(operation)
  await passTime()
  expect.verifySteps(["changed", "fetch saas.tenant 3"])
  expect(".o_saas_operation_state").toHaveText("Done")
  expect(".o_saas_total").toHaveText("3.0s")
})

test("a new operation of the tenant takes the place of the old one, that of another tenant does not", async () => {
  await openTimeline()
  await tellOperation(makeOperation({ id: 8, tenant_id: 4 }))
  await passTime()
  expect.verifySteps([])
  operation = makeOperation({ id: 9, steps: [makeStep(1, "await_ready", { state: "running" })] })
  await tellOperation(operation)
  await passTime()
  expect.verifySteps(["fetch saas.tenant 3"])
  expect(queryAllTexts(".o_saas_step_label")).toEqual(["Wait for Odoo"])
})

test("the form hears of its own tenant only", async () => {
  await openTimeline()
  await tellTenant({ id: 4 })
  expect.verifySteps([])
  await tellTenant({ id: 3 })
  expect.verifySteps(["changed"])
})

test("after the connection was lost, what was missed is fetched", async () => {
  await openTimeline()
  operation = makeOperation({ steps: [makeStep(1, "clone_database"), makeStep(2, "start_runtime")] })
  await loseAndRegainConnection()
  expect.verifySteps(["fetch saas.tenant 3"])
  expect(queryAllAttributes(".o_saas_step", "data-state")).toEqual(["done", "done"])
})

const failed: Partial<Operation> = {
  state: "failed",
  state_label: "Failed",
  ended_at: "2026-01-31 09:59:30",
  message: "The disk is full. Make room and retry.",
  steps: [makeStep(1, "clone_database", { state: "failed", message: "No space left on device" })],
}

test("a failure says why, what to do, and is tried again by one click", async () => {
  operation = makeOperation(failed)
  await openTimeline()
  expect(".o_saas_timeline_reason").toHaveText("The disk is full. Make room and retry.")
  expect(".o_saas_step_failed .o_saas_step_message").toHaveText("No space left on device")
  onRpc("saas.fleet", "retry", ({ args }) => {
    expect.step(`retry ${args.join(" ")}`)
    operation = makeOperation({ id: 8, state: "queued", state_label: "Waiting", started_at: false, steps: [] })
    return true
  })
  await contains(".o_saas_timeline .o_saas_retry").click()
  expect.verifySteps(["retry 7", "fetch saas.tenant 3", "changed"])
  expect(".o_saas_timeline_failure").toHaveCount(0)
  expect(".o_saas_timeline_waiting").toHaveText("Queued. It starts automatically.")
})

test("who may not retry reads who can", async () => {
  operation = makeOperation(failed)
  canRetry = false
  await openTimeline()
  expect(".o_saas_retry").toHaveCount(0)
  expect(".o_saas_timeline_failure").toHaveText(/an operator can press Retry\. Completed steps are kept\./)
})

test("who may try a check of a target again reads that it begins anew", async () => {
  operation = makeOperation({ ...failed, tenant_id: false, target_id: 2, intent: "check_isolation" })
  await openTimeline()
  expect(".o_saas_timeline_failure").toHaveText(/then press Retry\. It then starts from the beginning\./)
})

test("a waiting operation says when it is tried again and why it waits", async () => {
  operation = makeOperation({
    state: "queued",
    state_label: "Waiting",
    attempt: 2,
    not_before: "2026-01-31 10:00:25",
    message: "PostgreSQL does not answer.",
    steps: [],
  })
  await openTimeline()
  expect(".o_saas_timeline_waiting").toHaveText(/Retry in 2\d seconds/)
  await passTime(3000)
  expect(".o_saas_timeline_waiting").toHaveText(/Retry in 2[012] seconds/)
  await passTime(30_000)
  expect(".o_saas_timeline_waiting").toHaveText(/Retrying now/)
  expect(".o_saas_timeline_waiting").toHaveText(/PostgreSQL does not answer\./)
  expect(".o_saas_timeline_head").toHaveText(/attempt 2/)
})

test("before any work it says that steps will come", async () => {
  operation = null
  await openTimeline()
  expect(".o_saas_timeline_none").toHaveText(/No steps yet/)
  operation = makeOperation()
  await tellOperation(operation)
  await passTime()
  expect.verifySteps(["fetch saas.tenant 3"])
  expect(".o_saas_step").toHaveCount(2)
})
