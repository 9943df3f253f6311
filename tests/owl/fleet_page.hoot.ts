import { defineMailModels } from "@mail/../tests/mail_test_helpers"
import { beforeEach, expect, test } from "@odoo/hoot"
import { press, queryAllAttributes, queryAllTexts, waitFor } from "@odoo/hoot-dom"
import { contains, getService, mockService, mountWithCleanup, onRpc } from "@web/../tests/web_test_helpers"
import type { WindowAction } from "@web/core/utils/hooks"
import { WebClient } from "@web/webclient/webclient"
import type { FleetData } from "../../owl-src/fleet/fleet_data.ts"
import {
  loseAndRegainConnection,
  makeFleet,
  makeOperation,
  makeStep,
  makeTarget,
  openTab,
  passTime,
  tellOperation,
  tellTenant,
} from "./helpers.ts"

defineMailModels()

let fleet: FleetData = makeFleet()

beforeEach(() => {
  fleet = makeFleet()
  onRpc("saas.fleet", "get_fleet", () => {
    expect.step("fetch")
    return fleet
  })
})

/** With Odoo's dialogs and notifications around it, as in the web client. */
async function openFleet(): Promise<void> {
  await openTab()
  await mountWithCleanup(WebClient)
  await getService("action").doAction({ type: "ir.actions.client", tag: "saas_master.fleet", name: "Fleet" })
  await waitFor(".o_saas_fleet")
  expect.verifySteps(["fetch"])
}

/** Later actions are written down instead of being opened. */
function watchActions(): void {
  mockService("action", {
    doAction(action: WindowAction | string, options?: { additionalContext?: Record<string, unknown> }) {
      if (typeof action !== "string") expect.step(`open ${action.res_model} ${action.res_id}`)
      else expect.step([`open ${action}`, JSON.stringify(options?.additionalContext)].filter(Boolean).join(" "))
      return Promise.resolve()
    },
  })
}

test("tenants by phase: what runs and what failed always, the rest where there is any, each leads to its facet", async () => {
  await openFleet()
  expect(queryAllTexts(".o_saas_phase_tile")).toEqual(["0\nFailed", "10\nRunning", "2\nAsleep"])
  expect(".o_saas_share").toHaveCount(2)
  expect(".o_saas_shares").toHaveAttribute("aria-label", "Failed: 0, Running: 10, Asleep: 2")
  watchActions()
  await contains(".o_saas_phase_tile[data-phase=asleep]").click()
  await contains(".o_saas_all_tenants").click()
  expect.verifySteps([
    `open saas_master.saas_tenant_action {"search_default_phase":"asleep"}`,
    "open saas_master.saas_tenant_action {}",
  ])
})

test("phases are reached and opened by keyboard", async () => {
  await openFleet()
  watchActions()
  await contains(".o_saas_phase_tile[data-phase=failed]").focus()
  await press("Tab")
  expect(".o_saas_phase_tile[data-phase=running]").toBeFocused()
  await press("Enter")
  expect.verifySteps([`open saas_master.saas_tenant_action {"search_default_phase":"running"}`])
})

test("a running operation shows its step and counts on; a new step needs no fetch", async () => {
  fleet = makeFleet({ running: [makeOperation()], running_count: 1 })
  await openFleet()
  expect(".o_saas_running .o_saas_subject").toHaveText("Acme")
  expect(".o_saas_running .o_saas_step_now").toHaveText("Start Odoo")
  expect(".o_saas_running .o_saas_elapsed").toHaveText(/^1m( 1s)?$/)
  await passTime(3000)
  expect(".o_saas_running .o_saas_elapsed").toHaveText(/^1m [2-5]s$/)
  await tellOperation(
    makeOperation({
      steps: [
        makeStep(1, "clone_database"),
        makeStep(2, "start_runtime"),
        makeStep(3, "await_ready", { state: "running" }),
      ],
    }),
  )
  expect(".o_saas_running .o_saas_step_now").toHaveText("Wait for Odoo")
  expect(".o_saas_dots i").toHaveCount(3)
  await passTime()
  expect.verifySteps([])
})

test("a burst of changes leads to one fetch", async () => {
  await openFleet()
  const twenty = Array.from({ length: 20 }, (_, index) => index + 1)
  await Promise.all(twenty.flatMap((id) => [tellTenant({ id }), tellOperation(makeOperation({ id, state: "queued" }))]))
  fleet = makeFleet({ tenants: 20, phases: [{ name: "running", label: "Running", count: 20 }] })
  await passTime()
  expect.verifySteps(["fetch"])
  expect(".o_saas_phase_tile[data-phase=running]").toHaveText("20\nRunning")
})

test("after the connection was lost, the page fetches what it missed", async () => {
  await openFleet()
  fleet = makeFleet({ running: [makeOperation()], running_count: 1 })
  await loseAndRegainConnection()
  expect.verifySteps(["fetch"])
  expect(".o_saas_running").toHaveCount(1)
  expect(".o_saas_live").toHaveText("Live")
})

const failure = makeOperation({
  state: "failed",
  state_label: "Failed",
  ended_at: "2026-01-31 09:57:00",
  message: "The disk is full. Make room and retry.",
  steps: [makeStep(1, "clone_database", { state: "failed" })],
})

test("a failure says why, at which step and when, and is tried again by one click", async () => {
  fleet = makeFleet({ failures: [failure], failure_count: 1 })
  await openFleet()
  expect(".o_saas_failure_reason").toHaveText("The disk is full. Make room and retry.")
  expect(".o_saas_failure").toHaveText(/Copy the template/)
  expect(".o_saas_failure .o_saas_ago").toHaveText("3 minutes ago")
  onRpc("saas.fleet", "retry", ({ args }) => {
    expect.step(`retry ${args.join(" ")}`)
    fleet = makeFleet()
    return true
  })
  await contains(".o_saas_failure .o_saas_retry").click()
  await passTime()
  expect.verifySteps(["retry 7", "fetch"])
  expect(".o_saas_failures").toHaveCount(0)
})

test("a viewer reads why, and has nothing to press", async () => {
  fleet = makeFleet({ failures: [failure], failure_count: 1, can_operate: false, can_own: false, paused: true })
  await openFleet()
  expect(".o_saas_failure_reason").toHaveCount(1)
  expect(".o_saas_retry").toHaveCount(0)
  expect(".o_saas_resume").toHaveCount(0)
  expect(".o_saas_paused").toHaveText(/until an owner resumes them/)
})

test("an owner pauses after being told what that means, and resumes at once", async () => {
  onRpc("saas.fleet", "set_paused", ({ args }) => {
    expect.step(`paused ${args.join(" ")}`)
    fleet = makeFleet({ paused: args[0] === true })
    return true
  })
  await openFleet()
  await contains(".o_saas_pause").click()
  expect(".modal").toHaveText(/Running tenants stay available/)
  await contains(".modal .btn-primary").click()
  await passTime()
  expect.verifySteps(["paused true", "fetch"])
  expect(".o_saas_pause").toHaveCount(0)
  await contains(".o_saas_resume").click()
  expect.verifySteps(["paused false", "fetch"])
  expect(".o_saas_paused").toHaveCount(0)
})

test("a master that may be a copy says so before all else, and an owner confirms it", async () => {
  fleet = makeFleet({ confirmed: false })
  onRpc("saas.fleet", "confirm_installation", () => {
    expect.step("confirmed")
    fleet = makeFleet()
    return true
  })
  await openFleet()
  expect(".o_saas_unconfirmed").toHaveText(/it is read-only/)
  await contains(".o_saas_unconfirmed .btn").click()
  expect(".modal").toHaveText(/no other master manages these tenants/)
  await contains(".modal .btn-primary").click()
  await passTime()
  expect.verifySteps(["confirmed", "fetch"])
  expect(".o_saas_unconfirmed").toHaveCount(0)
})

test("before the first tenant it says what to do, the next thing first", async () => {
  fleet = makeFleet({ tenants: 0, phases: [], first_steps: { target_ready: true, plans: 0, quotations: 0 } })
  await openFleet()
  expect(".o_saas_overview").toHaveCount(0)
  expect(".o_saas_first_step[aria-current=step]").toHaveAttribute("data-step", "plan")
  expect(".o_saas_first_step .btn-primary").toHaveCount(1)
  watchActions()
  await contains(".o_saas_first_step .btn-primary").click()
  expect.verifySteps(["open saas_master.saas_plan_action"])
})

test("targets and servers show how full they are, in words where it is too much, and what isolation is missing", async () => {
  fleet = makeFleet({
    targets: [
      makeTarget({
        isolation_headline: "Tenants here are not fully isolated from each other.",
        isolation_note: "Missing: own uid, memory limit",
        memory: { used: 15_360, of: 10_240 },
        cpu: { used: 3000, of: 2000 },
      }),
    ],
    servers: [
      {
        id: 1,
        name: "main",
        target: "local",
        ready: true,
        note: "",
        storage: { used: 105 * 1024, of: 72 * 1024 },
        databases: { used: 80, of: 100 },
        connections: { used: 10, of: 100 },
        disk_free_mb: 1024,
      },
    ],
  })
  await openFleet()
  expect(queryAllTexts("[data-target=local] .o_saas_fullness")).toEqual([
    "Reserved memory\nover capacity\n15 GB of 10 GB",
    "Reserved processor cores\n3 of 2",
  ])
  expect(".o_saas_isolation").toHaveText(/Missing: own uid, memory limit/)
  expect(queryAllTexts("[data-server=main] .o_saas_fullness")).toEqual([
    "Reserved storage\nover capacity\n105 GB of 72 GB",
    "Databases\ngetting full\n80 of 100",
    "Reserved connections\n10 of 100",
  ])
  expect(queryAllAttributes("[data-server=main] .o_saas_fullness", "data-level")).toEqual(["full", "high", "fine"])
  expect(queryAllAttributes("[data-server=main] .o_saas_bar > span", "style")).toEqual([
    "width: 100%",
    "width: 80%",
    "width: 10%",
  ])
  // Tenants have the same cores: no bar could say how much is left of them.
  expect("[data-target=local] .o_saas_bar").toHaveCount(1)
  expect(".o_saas_disk").toHaveAttribute("data-level", "full")
})

test("a target that went silent stands out while somebody looks", async () => {
  const target = makeTarget({ last_hello: "2026-01-31 09:58:00" })
  fleet = makeFleet({ targets: [target] })
  await openFleet()
  expect("[data-target=local] .o_saas_ago").toHaveText("last contact 2 minutes ago")
  expect("[data-target=local] .o_saas_late").toHaveCount(0)
  await passTime(90_000)
  expect("[data-target=local] .o_saas_late").toHaveText("last contact 3 minutes ago")
})

test("trials that end soon stand out by more than colour", async () => {
  const trial = { id: 1, name: "SUB/1", customer: "Acme", plan: "Starter", trial_end: "2026-02-01", days_left: 1 }
  fleet = makeFleet({
    subscriptions: [{ name: "trial", label: "Trial", count: 2 }],
    trials: [trial, { ...trial, id: 2, customer: "Umbra", trial_end: "2026-02-10", days_left: 10 }],
  })
  await openFleet()
  expect(queryAllTexts(".o_saas_state_tile")).toEqual(["2\nTrial"])
  expect(queryAllTexts(".o_saas_trial_end")).toEqual(["tomorrow", "in 10 days"])
  expect(".o_saas_soon .fa-clock-o").toHaveCount(1)
  watchActions()
  await contains(".o_saas_trial[data-trial='2'] .o_saas_subject").click()
  expect.verifySteps(["open saas.subscription 2"])
})
