/** Verbs and example data that the HOOT tests share. Bundled into each of them: nothing here is a test. */
import { advanceTime, animationFrame, mockDate, runAllTimers } from "@odoo/hoot"
import { getService, MockServer, makeMockEnv } from "@web/../tests/web_test_helpers"
import type { BusEvent } from "@web/core/utils/hooks"
import type { FleetData, Target } from "../../owl-src/fleet/fleet_data.ts"
import type { Operation, OperationMessage, OperationStep, TenantMessage } from "../../owl-src/tenant/operation.ts"

export const now = "2026-01-31 10:00:00"

export const stepLabels = {
  clone_database: "Copy the template",
  start_runtime: "Start Odoo",
  await_ready: "Wait for Odoo",
}

export function makeStep(number: number, name: string, more: Partial<OperationStep> = {}): OperationStep {
  return {
    number,
    name,
    state: "done",
    started_at: "2026-01-31 09:59:00",
    duration_ms: 240,
    message: "",
    ...more,
  }
}

export function makeOperation(more: Partial<Operation> = {}): Operation {
  return {
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
    created_at: "2026-01-31 09:58:59",
    started_at: "2026-01-31 09:59:00",
    ended_at: false,
    not_before: false,
    steps: [makeStep(1, "clone_database"), makeStep(2, "start_runtime", { state: "running", duration_ms: 0 })],
    ...more,
  }
}

export function makeFleet(more: Partial<FleetData> = {}): FleetData {
  return {
    now,
    can_operate: true,
    can_own: true,
    paused: false,
    confirmed: true,
    tenants: 12,
    phases: [
      { name: "failed", label: "Failed", count: 0 },
      { name: "asleep", label: "Asleep", count: 2 },
      { name: "running", label: "Running", count: 10 },
      { name: "deleting", label: "Deleting", count: 0 },
    ],
    step_labels: stepLabels,
    running: [],
    running_count: 0,
    waiting: [],
    waiting_count: 0,
    failures: [],
    failure_count: 0,
    subscriptions: [],
    trials: [],
    targets: [],
    servers: [],
    first_steps: { target_ready: true, plans: 1, quotations: 0 },
    ...more,
  }
}

export function makeTarget(more: Partial<Target> = {}): Target {
  return {
    id: 1,
    name: "local",
    kind_label: "This machine",
    state: "ready",
    state_label: "Ready",
    note: "",
    isolation_headline: "",
    isolation_note: "",
    last_hello: now,
    memory: { used: 0, of: 16_000 },
    cpu: { used: 0, of: 4000 },
    running: 0,
    ...more,
  }
}

/** A browser tab whose socket stands already, at `date` by its own clock. */
export async function openTab(date = now): Promise<void> {
  await makeMockEnv()
  const connected = busEvent("BUS:CONNECT")
  await getService("bus_service").start()
  await runAllTimers()
  await connected
  mockDate(date, 0)
}

/** What the server says of an operation over the bus, arrived and drawn. */
export async function tellOperation(operation: Operation): Promise<void> {
  const { id, tenant_id, template_id, target_id, intent, state, message, steps } = operation
  const payload: OperationMessage = { id, tenant_id, template_id, target_id, intent, state, message, steps }
  await tell("saas.operation/changed", payload)
}

export async function tellTenant(message: Partial<TenantMessage> & { id: number }): Promise<void> {
  await tell("saas.tenant/changed", { phase: "running", desired: "running", message: "", url: "", ...message })
}

async function tell(type: string, payload: unknown): Promise<void> {
  const bus = getService("bus_service")
  const arrived = new Promise<void>((done) => {
    const heard = () => {
      bus.unsubscribe(type, heard)
      done()
    }
    bus.subscribe(type, heard)
  })
  // Everybody hears this channel in Odoo's mock of its bus.
  MockServer.env["bus.bus"]._sendone("broadcast", type, payload)
  await arrived
  await animationFrame()
}

/** Long enough for the fetch that a change leads to, and for drawing what it brings. */
export async function passTime(ms = 1000): Promise<void> {
  await advanceTime(ms)
  await animationFrame()
  await animationFrame()
}

/** The socket breaks (1006: without a word) and stands again. */
export async function loseAndRegainConnection(): Promise<void> {
  const lost = busEvent("BUS:DISCONNECT")
  MockServer.env["bus.bus"]._simulateDisconnection(1006)
  await lost
  const back = busEvent("BUS:RECONNECT")
  await runAllTimers()
  await back
  await passTime()
}

function busEvent(event: BusEvent): Promise<void> {
  const bus = getService("bus_service")
  return new Promise((done) => {
    const heard = () => {
      bus.removeEventListener(event, heard)
      done()
    }
    bus.addEventListener(event, heard)
  })
}
