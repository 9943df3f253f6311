/**
 * What a target must be able to do, whatever it is made of. `E` is how a target names a runtime's endpoint.
 * Every act takes a `Fence` and refuses, with `StaleEpoch`, when a younger claim has been there before.
 * Every act is idempotent. Errors: `RetryableError` or `PermanentError` (domain/errors.ts).
 */
import type { FinalBackup, RouteState, SeenRoute, SeenRuntime } from "../domain/plan.ts"
import type { TenantHost, TenantId, TenantSpec } from "../domain/tenant.ts"
import type { ServerInfo, TargetInfo } from "../odoo/port.ts"

export interface Fence {
  readonly tenant: TenantId
  readonly epoch: number
  /** Aborted when the lease is lost or the operation cancelled. */
  readonly signal: AbortSignal
}

export type Stop = () => Promise<void>

export interface DatabaseAddress {
  readonly host: string
  readonly port: number
}

export interface DatabaseServers {
  /** Where a tenant's database lives; makes a dedicated server where the spec asks for one. */
  ensure(spec: TenantSpec, fence: Fence): Promise<DatabaseAddress>
  describe(): Promise<readonly ServerInfo[]>
}

export interface Runtime<E> {
  /** Changes whenever a running tenant would have to be started anew to be as the spec says. */
  fingerprint(spec: TenantSpec): string
  /** Starts it if it does not run as the spec says; resolves with the endpoint once it was started, not once it answers. */
  ensure(spec: TenantSpec, fence: Fence): Promise<E>
  observe(tenant: TenantId): Promise<SeenRuntime>
  /** Where the tenant answers, or would answer. */
  endpoint(tenant: TenantId): Promise<E>
  /** HTTP to the tenant from the operator's side, past every router. */
  request(tenant: TenantId, path: string, body: string): Promise<{ readonly status: number; readonly body: string }>
  /** Waits at most `drainSeconds` for requests in flight, then signals, then kills. */
  stop(fence: Fence, drainSeconds: number): Promise<void>
  /** Takes away what is left of it: address, cgroup, configuration. */
  remove(fence: Fence): Promise<void>
  /** The last lines it wrote, for a person who wants to know why it does not start. */
  logs(tenant: TenantId, lines: number): Promise<string>
}

export interface Files {
  ensure(spec: TenantSpec, fence: Fence): Promise<void>
  observe(tenant: TenantId): Promise<"absent" | "present">
  /** Megabytes on disk. */
  usage(tenant: TenantId): Promise<number>
  remove(fence: Fence): Promise<void>
}

/** The backup that must exist, verified, before data may be deleted. */
export interface Backups {
  observe(tenant: TenantId): Promise<FinalBackup>
  take(spec: TenantSpec, fence: Fence): Promise<void>
  /** Restores it into a scratch database and compares. */
  verify(spec: TenantSpec, fence: Fence): Promise<void>
}

export interface Router<E> {
  /** Resolves once every router instance serves it. */
  apply(fence: Fence, endpoint: E, hosts: readonly TenantHost[], state: RouteState): Promise<void>
  observe(tenant: TenantId): Promise<SeenRoute>
  remove(fence: Fence): Promise<void>
}

export interface Target<E> {
  readonly name: string
  readonly servers: DatabaseServers
  readonly runtime: Runtime<E>
  readonly files: Files
  readonly backups: Backups
  readonly router: Router<E>
  describe(): Promise<TargetInfo>
  /** Called with the id of a tenant whose runtime changed by itself. */
  watch(changed: (tenant: TenantId) => void): Stop
  close(): Promise<void>
}
