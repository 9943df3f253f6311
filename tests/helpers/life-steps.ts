/** The steps that a tenant's life is made of on every target, in order, for those who cut it short after each of them. */
import type { StepKind } from "../../sidecar/domain/plan.ts"

/** Not after the start: by the time that another worker goes on, there may be nothing left to wait for. */
export const makingSteps: readonly StepKind[] = [
  "clone_database",
  "prepare_database",
  "create_files",
  "open_database",
  "await_ready",
  "bootstrap",
  "apply_settings",
  "route",
]

export const suspendingSteps: readonly StepKind[] = ["divert", "stop_runtime"]

export const resumingSteps: readonly StepKind[] = ["start_runtime"]

export const deletingSteps: readonly StepKind[] = [
  ...suspendingSteps,
  "back_up",
  "verify_backup",
  "drop_database",
  "remove_files",
  "remove_route",
]
