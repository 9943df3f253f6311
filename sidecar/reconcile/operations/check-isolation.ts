import { PermanentError } from "../../domain/errors.ts"
import type { IsolationWay, Outcome, TargetClaim } from "../../odoo/port.ts"
import type { Task } from "../task.ts"
import type { World } from "../world.ts"

/** Finds out what tenants of the target reach. What a kill in the middle leaves, the next check takes away. */
export async function checkIsolation<E>(world: World<E>, task: Task<TargetClaim>): Promise<Outcome> {
  const { isolation } = world.target
  if (!isolation) throw new PermanentError(`There is nothing to try what tenants reach on ${task.claim.target}.`)
  let ways: readonly IsolationWay[] = []
  try {
    await task.step("start_probes", (fence) => isolation.start(fence))
    await task.step("try_ways", async (fence) => {
      ways = await isolation.try(fence)
    })
    await task.step("remove_probes", (fence) => isolation.remove(fence))
  } catch (error) {
    await isolation.remove(task.fence()).catch((problem: unknown) => {
      task.log.warn({ err: problem }, "probes are left for the next check to take away")
    })
    throw error
  }
  return { kind: "checked", ways }
}
