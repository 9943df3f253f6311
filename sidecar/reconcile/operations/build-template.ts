import type { Outcome, TemplateClaim } from "../../odoo/port.ts"
import type { Task } from "../task.ts"
import type { World } from "../world.ts"

/** Builds a template before the first tenant needs it. */
export async function buildTemplate<E>(world: World<E>, task: Task<TemplateClaim>): Promise<Outcome> {
  const { template } = task.claim
  task.checkpoint()
  await world.databases.raise(task.fence())
  if ((await world.templates.observe(template, task.claim.server)) === "absent") {
    await task.step("build_template", (fence) => world.templates.build(template, fence))
  }
  return { kind: "done", generation: 0 }
}
