import type { Observation } from "../domain/plan.ts"
import type { TenantSpec } from "../domain/tenant.ts"
import type { World } from "./world.ts"

/** Asks everybody at once what is there. */
export async function observe<E>(world: World<E>, spec: TenantSpec): Promise<Observation> {
  const { target, templates, control } = world
  const [template, [server, database, usage], files, [runtime, tenant], route, finalBackup, others] = await Promise.all(
    [
      templates.observe(spec.template, spec.server),
      observeDatabase(world, spec),
      target.files.observe(spec.id),
      target.runtime.observe(spec.id).then(async (runtime) => {
        return [runtime, runtime.state === "ready" ? await control.state(spec.id) : null] as const
      }),
      target.router.observe(spec.id),
      target.backups.observe(spec.id),
      Promise.all([target.drift?.(spec) ?? null, target.additions?.(spec.id) ?? []]),
    ],
  )
  const [drift, additions] = others
  const activeUsers = usage?.activeUsers ?? null
  return { server, template, database, files, runtime, tenant, route, finalBackup, activeUsers, drift, additions }
}

async function observeDatabase<E>({ target, databases }: World<E>, spec: TenantSpec) {
  const server = await target.servers.observe(spec)
  if (server.state !== "ready") return [server, { stage: "absent", rights: "right" }, null] as const
  return [server, ...(await Promise.all([databases.observe(spec), databases.usage(spec)]))] as const
}
