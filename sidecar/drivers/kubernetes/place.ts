import type { TenantId } from "../../domain/tenant.ts"

/** For life: the id never changes, so neither does the namespace. */
export function namespaceOf(prefix: string, tenant: TenantId): string {
  return `${prefix}${tenant}`
}

/** Where templates are built. Beginning with a letter that no tenant's id begins with. */
export function workshopOf(prefix: string): string {
  return `${prefix}workshop`
}
