/** From a claim to how it ended. */
import { backoffSeconds } from "../domain/backoff.ts"
import { PermanentError, RetryableError, StaleEpoch } from "../domain/errors.ts"
import type { Claim, Outcome, TargetClaim, TemplateClaim, TenantClaim } from "../odoo/port.ts"
import { Interrupted } from "./interrupted.ts"
import { buildTemplate } from "./operations/build-template.ts"
import { checkIsolation } from "./operations/check-isolation.ts"
import { reconcile } from "./reconcile.ts"
import type { Task } from "./task.ts"
import type { World } from "./world.ts"

/**
 * null: the operation is not ours any more, and its end is not ours to tell. Where only an act found out (`StaleEpoch`),
 * the end is told all the same: the master refuses it if the lease is another's, and else a person must hear of it.
 */
export async function perform<E>(world: World<E>, task: Task): Promise<Outcome | null> {
  try {
    return await begin(world, task)
  } catch (error) {
    return outcomeOf(error, task)
  }
}

async function begin<E>(world: World<E>, task: Task): Promise<Outcome> {
  if (isOf(task, "build_template")) return await buildTemplate(world, task)
  if (isOf(task, "check_isolation")) return await checkIsolation(world, task)
  if (isOf(task, "reconcile")) return await reconcile(world, task)
  return {
    kind: "failed",
    reason: `This version of the sidecar has no operation "${task.claim.kind}". Update the sidecar, then retry.`,
  }
}

function isOf(task: Task, kind: "build_template"): task is Task<TemplateClaim>
function isOf(task: Task, kind: "check_isolation"): task is Task<TargetClaim>
function isOf(task: Task, kind: "reconcile"): task is Task<TenantClaim>
function isOf(task: Task, kind: Claim["kind"]): boolean {
  return task.claim.kind === kind
}

function outcomeOf(error: unknown, task: Task): Outcome | null {
  if (task.interruption === "lost") {
    task.log.warn("another worker has taken this over")
    return null
  }
  if (error instanceof Interrupted) {
    if (error.why === "cancelled") return { kind: "cancelled", reason: error.message }
    return { kind: "released" }
  }
  if (error instanceof PermanentError) return { kind: "failed", reason: error.message }
  const afterSeconds = Math.ceil(backoffSeconds(task.claim.attempt, Math.random()))
  if (error instanceof RetryableError || error instanceof StaleEpoch)
    return { kind: "retry", afterSeconds, reason: error.message }
  task.log.error({ err: error }, "unexpected error")
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return { kind: "retry", afterSeconds, reason: `Something unexpected went wrong, and the log has more. ${message}` }
}
