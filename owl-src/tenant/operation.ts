/** Operations as the server tells of them, and what the bus changes about them. Pure. */

export type OperationState = "queued" | "running" | "done" | "failed" | "cancelled" | "set_aside"
export type StepState = "running" | "done" | "failed"

export interface OperationStep {
  /** Counts from 1 inside the operation. */
  readonly number: number
  /** A step kind; its words, in the reader's language, are in the `step_labels` that come with every fetch. */
  readonly name: string
  readonly state: StepState
  readonly started_at: string | false
  readonly duration_ms: number
  readonly message: string
}

export interface Operation {
  readonly id: number
  readonly tenant_id: number | false
  readonly template_id: number | false
  readonly target_id: number | false
  /** Name of the tenant, the template or the target. */
  readonly subject: string
  /** What it is for: the words of it, in the reader's language, come with every fetch. */
  readonly intent: string
  readonly title: string
  readonly state: OperationState
  readonly state_label: string
  /** 1 at the first try. */
  readonly attempt: number
  /** For people: why it failed or waits, and what to do; "" when all is well. */
  readonly message: string
  readonly created_at: string
  readonly started_at: string | false
  readonly ended_at: string | false
  /** A queued one is not tried before. */
  readonly not_before: string | false
  readonly steps: readonly OperationStep[]
}

/** `saas.operation/changed` on the bus. */
export interface OperationMessage {
  readonly id: number
  readonly tenant_id: number | false
  readonly template_id: number | false
  readonly target_id: number | false
  readonly intent: string
  readonly state: OperationState
  readonly message: string | false
  readonly steps: readonly OperationStep[]
}

/** `saas.tenant/changed` on the bus. */
export interface TenantMessage {
  readonly id: number
  readonly phase: string
  readonly desired: string
  readonly message: string | false
  readonly url: string | false
}

export function withMessage(operation: Operation, message: OperationMessage): Operation {
  return {
    ...operation,
    state: message.state,
    message: message.message || "",
    steps: mergeSteps(operation.steps, message.steps),
  }
}

/** Steps by number; a message that is older than what was fetched does not turn an ended step into a running one. */
export function mergeSteps(known: readonly OperationStep[], told: readonly OperationStep[]): readonly OperationStep[] {
  const byNumber = new Map(known.map((step) => [step.number, step]))
  for (const step of told) {
    const before = byNumber.get(step.number)
    const late =
      before && before.started_at === step.started_at && before.state !== "running" && step.state === "running"
    if (!late) byNumber.set(step.number, step)
  }
  return [...byNumber.values()].sort((a, b) => a.number - b.number)
}

/** The step that people want to hear of: the one under way, else the last one. */
export function currentStep(steps: readonly OperationStep[]): OperationStep | undefined {
  return steps.findLast((step) => step.state === "running") ?? steps.at(-1)
}

export function hasEnded(state: OperationState): boolean {
  return state !== "queued" && state !== "running"
}

/** Nobody will try again by itself: a person has to. */
export function needsPerson(state: OperationState): boolean {
  return state === "failed" || state === "set_aside"
}
