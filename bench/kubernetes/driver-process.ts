/**
 * A process that has the Kubernetes driver and nothing else to do, so that its memory is the driver's own. It is told
 * what to do by whoever started it (driver-child.ts), with the settings of a sidecar in its environment.
 */
import { setTimeout as pause } from "node:timers/promises"
import { pino } from "pino"
import { readConfig } from "../../sidecar/config.ts"
import { plan } from "../../sidecar/domain/plan.ts"
import type { TenantSpec } from "../../sidecar/domain/tenant.ts"
import type { TenantClaim } from "../../sidecar/odoo/port.ts"
import { observe } from "../../sidecar/reconcile/observe.ts"
import { reconcile, wantedOf } from "../../sidecar/reconcile/reconcile.ts"
import { Task } from "../../sidecar/reconcile/task.ts"
import type { World } from "../../sidecar/reconcile/world.ts"
import { openKubernetes } from "../../sidecar/target.ts"
import { type Change, specOf } from "./fleet.ts"
import { inParallel } from "./in-parallel.ts"
import { noTelemetry, paperControl, paperDatabases, paperMaster, paperTemplates, surroundings } from "./paper.ts"

export interface Order {
  readonly act: "observe" | "reconcile"
  /** Numbers of tenants: the first one, and the one after the last. */
  readonly from: number
  readonly to: number
  readonly change: Change
  readonly epoch: number
  readonly atOnce: number
}

export interface Told {
  /** Of how many nothing is left to be done. */
  readonly done: number
  /** What is left to be done for the others, each reason once. */
  readonly otherwise: readonly string[]
}

const installation = "be9c4be9-0000-4000-8000-000000000000"
const tries = 5
const log = pino({ level: "silent" })
const wanted = new Map<string, TenantSpec>()

async function open(): Promise<World<unknown>> {
  const { target, databases } = await openKubernetes(readConfig(process.env), () => installation, log)
  const control = paperControl((tenant) => wanted.get(tenant) ?? specOf(0))
  return { target, databases: paperDatabases(databases), templates: paperTemplates, control, surroundings }
}

async function obey(world: World<unknown>, order: Order): Promise<Told> {
  const specs = Array.from({ length: order.to - order.from }, (_, at) => specOf(order.from + at, order.change))
  for (const spec of specs) wanted.set(spec.id, spec)
  const look = order.act === "observe" ? lookAt : make
  const words = await inParallel(specs, order.atOnce, (spec) => look(world, spec, order.epoch))
  return {
    done: words.filter((word) => word === "").length,
    otherwise: [...new Set(words.filter((word) => word !== ""))].slice(0, 5),
  }
}

/** As a sidecar's patrol does. "" where all is well. */
async function lookAt(world: World<unknown>, spec: TenantSpec): Promise<string> {
  const seen = await observe(world, spec)
  const decision = plan(spec, wantedOf(world, spec), seen)
  return decision.kind === "done" ? "" : JSON.stringify({ decision, runtime: seen.runtime, drift: seen.drift })
}

/** As a sidecar's worker does, which tries again what may be tried again. "" once it is done. */
async function make(world: World<unknown>, spec: TenantSpec, epoch: number): Promise<string> {
  let why = ""
  for (let n = 0; n < tries; n++) {
    const claim: TenantClaim = { kind: "reconcile", operation: 1, lease: "", epoch: epoch + n, attempt: n + 1, spec }
    const task = new Task(claim, spec.id, { master: paperMaster, telemetry: noTelemetry, log })
    const outcome = await reconcile(world, task).catch((error: Error) => ({ kind: "failed", reason: error.message }))
    await task.close()
    if (outcome.kind === "done") return ""
    why = JSON.stringify(outcome)
    await pause(1000)
  }
  return why
}

const world = await open()
process.on("message", (order: Order) => {
  obey(world, order).then(
    (told) => process.send?.(told),
    (error: Error) => process.send?.({ done: 0, otherwise: [error.stack ?? error.message] } satisfies Told),
  )
})
process.on("disconnect", () => process.exit(0))
process.send?.("open")
