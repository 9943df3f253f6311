import type { StepKind } from "../domain/plan.ts"
import type { Phase, TenantId } from "../domain/tenant.ts"
import type { OperationKind, Outcome } from "../odoo/port.ts"

/** What the numbers at /metrics are made of. */
export interface Telemetry {
  stepEnded(kind: StepKind, seconds: number, succeeded: boolean): void
  /** In which phase a tenant was seen last. */
  phaseSeen(tenant: TenantId, phase: Phase): void
  /** All that there are: others may be deleted by somebody else, and are not seen again. */
  tenantsKnown(tenants: ReadonlySet<TenantId>): void
  operationEnded(kind: OperationKind, outcome: Outcome["kind"] | "lost", seconds: number): void
}
