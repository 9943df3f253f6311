import type { Observation } from "../domain/plan.ts"
import type { TenantSpec } from "../domain/tenant.ts"
import type { World } from "./world.ts"

/** Asks everybody at once what is there. */
export async function observe<E>(world: World<E>, spec: TenantSpec): Promise<Observation> {
  const { target, databases, templates, control } = world
  const [template, database, usage, files, [runtime, tenant], route, finalBackup, drift] = await Promise.all([
    templates.observe(spec.template),
    databases.observe(spec),
    databases.usage(spec),
    target.files.observe(spec.id),
    target.runtime.observe(spec.id).then(async (runtime) => {
      return [runtime, runtime.state === "ready" ? await control.state(spec.id) : null] as const
    }),
    target.router.observe(spec.id),
    target.backups.observe(spec.id),
    target.drift?.(spec) ?? null,
  ])
  const activeUsers = usage?.activeUsers ?? null
  return { template, database, files, runtime, tenant, route, finalBackup, activeUsers, drift }
}
