import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client"
import type { StepKind } from "../domain/plan.ts"
import { type Phase, phases, type TenantId } from "../domain/tenant.ts"
import type { OperationKind, Outcome } from "../odoo/port.ts"
import type { Telemetry } from "../reconcile/telemetry.ts"

/** What is asked for at the moment somebody looks. */
export interface Gauges {
  readonly queued: () => number
  readonly running: () => number
}

const seconds = [0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 120]

export class Metrics implements Telemetry {
  readonly registry = new Registry()
  readonly #steps: Histogram<"step" | "result">
  readonly #operations: Histogram<"kind" | "outcome">
  readonly #failures: Counter<"kind">
  readonly #phases = new Map<TenantId, Phase>()

  constructor() {
    const registers = [this.registry]
    collectDefaultMetrics({ register: this.registry })
    this.#steps = new Histogram({
      name: "saas_step_duration_seconds",
      help: "How long steps took",
      labelNames: ["step", "result"],
      buckets: seconds,
      registers,
    })
    this.#operations = new Histogram({
      name: "saas_operation_duration_seconds",
      help: "How long operations took from claim to end",
      labelNames: ["kind", "outcome"],
      buckets: seconds,
      registers,
    })
    this.#failures = new Counter({
      name: "saas_operation_failures_total",
      help: "Operations that failed or are to be tried again",
      labelNames: ["kind"],
      registers,
    })
    const seen = this.#phases
    new Gauge({
      name: "saas_tenants",
      help: "Tenants by the phase they were last seen in",
      labelNames: ["phase"],
      registers,
      collect() {
        const all = [...seen.values()]
        for (const phase of phases) this.set({ phase }, all.filter((one) => one === phase).length)
      },
    })
  }

  watch(gauges: Gauges): void {
    const registers = [this.registry]
    gauge("saas_queue_depth", "Operations that wait in the master, as it last told", gauges.queued)
    gauge("saas_leases", "Operations under way in this sidecar", gauges.running)

    function gauge(name: string, help: string, read: () => number): void {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read())
        },
      })
    }
  }

  stepEnded(step: StepKind, duration: number, succeeded: boolean): void {
    this.#steps.observe({ step, result: succeeded ? "done" : "failed" }, duration)
  }

  phaseSeen(tenant: TenantId, phase: Phase): void {
    if (phase === "deleted") this.#phases.delete(tenant)
    else this.#phases.set(tenant, phase)
  }

  tenantsKnown(tenants: ReadonlySet<TenantId>): void {
    for (const tenant of this.#phases.keys()) if (!tenants.has(tenant)) this.#phases.delete(tenant)
  }

  operationEnded(kind: OperationKind, outcome: Outcome["kind"] | "lost", duration: number): void {
    this.#operations.observe({ kind, outcome }, duration)
    if (outcome === "failed" || outcome === "retry") this.#failures.inc({ kind })
  }
}
