/** observe → plan → act, until the world is as the spec says. */
import { PermanentError, RetryableError } from "../domain/errors.ts"
import { phaseInTrouble, phaseOf } from "../domain/phase.ts"
import { type Observation, plan, type Wanted } from "../domain/plan.ts"
import { settingsOf } from "../domain/settings.ts"
import type { TenantSpec, TenantStatus, Usage } from "../domain/tenant.ts"
import type { Outcome, TenantClaim } from "../odoo/port.ts"
import { act } from "./act.ts"
import { observe } from "./observe.ts"
import { rankOf, StartTurn } from "./start-turn.ts"
import { Repetition, type Task } from "./task.ts"
import { countUsage } from "./usage.ts"
import type { World } from "./world.ts"

export async function reconcile<E>(world: World<E>, task: Task<TenantClaim>): Promise<Outcome> {
  task.checkpoint()
  const before = await world.databases.raise(task.fence())
  await world.target.takeOver?.(task.fence(), before)
  const outcome = await converge(world, task)
  if (task.isAnswered) await world.databases.settle(task.fence())
  return outcome
}

async function converge<E>(world: World<E>, task: Task<TenantClaim>): Promise<Outcome> {
  let repetition = new Repetition()
  const turn = new StartTurn(world.target.starts ?? null)
  let wanted: TenantSpec | null = null
  let seen: Observation | null = null
  try {
    for (;;) {
      task.checkpoint()
      const spec = task.spec
      if (wanted !== spec) repetition = new Repetition()
      wanted = spec
      seen = await observe(world, spec)
      const decision = plan(spec, wantedOf(world, spec), seen)
      // A spec that moved while we looked: what was decided is about yesterday.
      if (task.spec !== spec) continue
      switch (decision.kind) {
        case "done":
          await tellDone(world, task, spec, seen)
          return { kind: "done", generation: spec.generation }
        case "wait":
          tellTrouble(task, spec, seen, decision.reason)
          return { kind: "retry", afterSeconds: decision.seconds, reason: decision.reason }
        case "blocked":
          tellTrouble(task, spec, seen, decision.reason)
          return { kind: "failed", reason: decision.reason }
        case "step": {
          const { step } = decision
          if (seen.drift) task.log.warn({ step: step.kind }, seen.drift.what)
          repetition.count(step)
          tellProgress(task, spec, seen)
          const rank = rankOf(task.claim.operation, seen.route.state.kind === "none")
          await task.step(step.kind, async (fence) => {
            await turn.await(step.kind, rank, fence.signal)
            await act(world, spec, step, fence)
          })
        }
      }
    }
  } catch (error) {
    // What cuts a task short says nothing of the tenant: whoever goes on will.
    if (seen && error instanceof PermanentError) tellTrouble(task, task.spec, seen, error.message)
    if (seen && error instanceof RetryableError) tellProgress(task, task.spec, seen, error.message)
    throw error
  } finally {
    turn.end()
  }
}

export function wantedOf<E>(world: World<E>, spec: TenantSpec): Wanted {
  return {
    runtimeFingerprint: world.target.runtime.fingerprint(spec),
    settingsFingerprint: settingsOf(spec, world.surroundings).fingerprint,
  }
}

/** With what it uses: nobody waits for the next patrol to read the numbers of a new tenant. */
async function tellDone<E>(world: World<E>, task: Task, spec: TenantSpec, seen: Observation): Promise<void> {
  // What cannot be counted just now is counted by the patrol; the tenant is as it should be all the same.
  const usage = await countUsage(world, spec, seen).catch(() => null)
  task.status({ phase: phaseOf(spec, seen), ...told(spec, seen, "", usage) })
}

function tellProgress(task: Task, spec: TenantSpec, seen: Observation, message = ""): void {
  task.status({ phase: phaseOf(spec, seen), ...told(spec, seen, message) })
}

function tellTrouble(task: Task, spec: TenantSpec, seen: Observation, message: string): void {
  task.status({ phase: phaseInTrouble(spec, seen), ...told(spec, seen, message) })
}

function told(
  { generation }: TenantSpec,
  { additions = [] }: Observation,
  message: string,
  usage: Usage | null = null,
): Omit<TenantStatus, "phase"> {
  return { generation, message, additions, usage }
}
