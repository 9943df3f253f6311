import { PermanentError, RetryableError } from "../domain/errors.ts"
import { Patience } from "../domain/patience.ts"
import type { Step } from "../domain/plan.ts"
import { settingsOf } from "../domain/settings.ts"
import type { TenantSpec } from "../domain/tenant.ts"
import type { Fence } from "../drivers/driver.ts"
import { pause } from "./timing.ts"
import type { World } from "./world.ts"

/** Requests in flight get so long before a stop goes on without them. */
const drainSeconds = 10
/** Several times the slowest start; one that takes longer on a machine that has time for it will not come up by waiting. */
const startSeconds = 120
/** The first question to saas_tenant is answered when Odoo has loaded all: asked again, it would load no faster. */
const firstAnswerSeconds = 120
/** At first, while most are ready soon; later a twentieth of what it has waited: many who wait long are a burden, too. */
const readyPollSeconds = 0.05
const longestPollSeconds = 1

/** Performs one step. Every step may be performed again: what is done already stays as it is. */
export async function act<E>(world: World<E>, spec: TenantSpec, step: Step, fence: Fence): Promise<void> {
  try {
    await doStep(world, spec, step, fence)
  } catch (error) {
    if (!isDiskFull(error)) throw error
    throw new PermanentError(`A disk is full: ${error.message}. Free some space there, then retry.`, { cause: error })
  }
}

function isDiskFull(error: unknown): error is Error {
  return error instanceof Error && ["ENOSPC", "EDQUOT"].includes((error as NodeJS.ErrnoException).code ?? "")
}

async function doStep<E>(world: World<E>, spec: TenantSpec, step: Step, fence: Fence): Promise<void> {
  const { target, databases, templates, control } = world
  switch (step.kind) {
    case "make_server":
      return await target.servers.ensure(spec, fence)
    case "build_template":
      return await templates.build(spec.template, fence)
    case "clone_database":
      return await cloneDatabase(world, spec, fence)
    case "prepare_database":
      return await databases.prepare(spec, fence)
    case "open_database":
      return await databases.open(spec, fence)
    case "repair_rights":
      return await databases.repairRights(spec, fence)
    case "give_connections":
      return await databases.giveConnections(spec, fence)
    case "create_files":
      return await target.files.ensure(spec, fence)
    case "start_runtime":
      await target.runtime.ensure(spec, fence)
      return
    case "await_ready":
      return await awaitReady(world, spec, fence)
    case "bootstrap":
      return await control.tell(spec.id, { act: "bootstrap", data: spec.bootstrap })
    case "apply_settings":
      return await control.tell(spec.id, { act: "settings", data: settingsOf(spec, world.surroundings) })
    case "deactivate_users": {
      const data = { keep: step.keep, staffLogins: spec.staffLogins }
      return await control.tell(spec.id, { act: "deactivate_users", data })
    }
    case "route":
    case "divert":
      return await target.router.apply(fence, await target.runtime.endpoint(fence), step.hosts, step.state)
    case "stop_runtime":
      return await target.runtime.stop(fence, drainSeconds)
    case "shelve_backup":
      return await target.backups.shelve(fence)
    case "back_up":
      return await target.backups.take(spec, fence)
    case "verify_backup":
      return await target.backups.verify(spec, fence)
    case "drop_database":
      return await databases.drop(spec, fence)
    case "remove_files":
      // The files go last: while they are there, this step is seen to be undone.
      await target.runtime.remove(fence)
      return await target.files.remove(fence)
    case "remove_server":
      return await target.servers.remove(spec, fence)
    case "remove_route":
      return await target.router.remove(fence)
  }
}

/** Where the target can do that, Odoo starts meanwhile: most of a start needs no database. */
async function cloneDatabase<E>(world: World<E>, spec: TenantSpec, fence: Fence): Promise<void> {
  const acts = [world.databases.clone(spec, fence), startAhead(world, spec, fence)]
  // Both have ended by then: nothing of a step goes on after it.
  const [cloned] = await Promise.allSettled(acts)
  if (cloned?.status === "rejected" && (await hasBegun(world, spec))) {
    // It would wait in vain. Where it cannot be stopped now, the next round begins with that.
    await Promise.allSettled([world.target.runtime.stop(fence, 0)])
  }
  await Promise.all(acts)
}

async function startAhead<E>(world: World<E>, spec: TenantSpec, fence: Fence): Promise<void> {
  const { files, runtime } = world.target
  await files.begin?.(spec, fence)
  if (await hasBegun(world, spec)) await runtime.ensure(spec, fence)
}

async function hasBegun<E>({ target }: World<E>, { id }: TenantSpec): Promise<boolean> {
  return (await target.files.observe(id)) === "begun"
}

async function awaitReady<E>({ target, control }: World<E>, spec: TenantSpec, fence: Fence): Promise<void> {
  const tenant = spec.id
  // What was refused once is tried ever more seldom by whoever runs it; a person may have mended the cause just now.
  if ((await target.runtime.observe(tenant)).problem) await target.runtime.ensure(spec, fence)
  const patience = new Patience(startSeconds)
  const began = performance.now()
  let looked = began
  for (;;) {
    const { state, problem } = await target.runtime.observe(tenant)
    if (problem) throw new RetryableError(problem)
    if (state === "ready" && (await control.state(tenant, firstAnswerSeconds)) !== null) return
    if (state === "stopped") {
      throw new RetryableError(`Odoo ended before it answered. Its last lines: ${await target.runtime.logs(tenant, 8)}`)
    }
    const now = performance.now()
    patience.spend((now - looked) / 1000, target.load?.() ?? 1)
    looked = now
    if (patience.isOver) {
      const what = state === "ready" ? "Odoo answers, but the saas_tenant addon in it does not" : "Odoo does not answer"
      throw new RetryableError(
        `${what}, although it has had ${startSeconds} s for its start. ${await target.runtime.logs(tenant, 8)}`,
      )
    }
    const twentieth = (now - began) / 1000 / 20
    await pause(Math.min(longestPollSeconds, Math.max(readyPollSeconds, twentieth)), fence.signal)
  }
}
