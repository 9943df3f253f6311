import type { Observation } from "../domain/plan.ts"
import type { TenantSpec, Usage } from "../domain/tenant.ts"
import type { World } from "./world.ts"

/** What a tenant uses, counted from outside. null while it has no database of its own to be counted. */
export async function countUsage<E>(world: World<E>, spec: TenantSpec, seen: Observation): Promise<Usage | null> {
  const { databases, target } = world
  if (seen.activeUsers === null) return null
  const [database, filestoreMb] = await Promise.all([databases.usage(spec), target.files.usage(spec.id)])
  return database && { users: database.activeUsers, databaseMb: database.megabytes, filestoreMb }
}
