/**
 * What a target must be able to do, whatever it is made of. `E` is how a target names a runtime's endpoint.
 * Every act takes a `Fence` and refuses, with `StaleEpoch`, when a younger claim has been there before.
 * Every act is idempotent. Errors: `RetryableError` or `PermanentError` (domain/errors.ts).
 */
import type {
  Drift,
  FinalBackup,
  RouteState,
  SeenDatabase,
  SeenFiles,
  SeenRoute,
  SeenRuntime,
  SeenServer,
} from "../domain/plan.ts"
import type { TemplateSpec, TenantHost, TenantId, TenantSpec } from "../domain/tenant.ts"
import type { Turns } from "../domain/turns.ts"
import type { IsolationWay, ServerInfo, TargetInfo } from "../odoo/port.ts"

export interface Fence {
  /** The subject of the claim: a tenant's id, or that of a template or a target with an operation of its own (domain/names.ts). */
  readonly tenant: TenantId
  readonly epoch: number
  /** Name of the shared database server whose operator's database keeps the subject's epoch; "" where it is a target. */
  readonly server: string
  /** Aborted when the lease is lost or the operation cancelled. */
  readonly signal: AbortSignal
}

/** What is known of a subject's claims before this one: that nothing of them is under way any more, or nothing. */
export type Before = "ended" | "unknown"

export type Stop = () => Promise<void>

export interface DatabaseAddress {
  readonly host: string
  readonly port: number
}

export interface DatabaseServers {
  observe(spec: TenantSpec): Promise<SeenServer>
  /** Makes a dedicated server where the spec asks for one; resolves once it serves. */
  ensure(spec: TenantSpec, fence: Fence): Promise<void>
  /** Takes a dedicated one away, with all that is in it. The caller has made sure of the final backup. */
  remove(spec: TenantSpec, fence: Fence): Promise<void>
  /** Those that many share. */
  describe(): Promise<readonly ServerInfo[]>
}

/** Plain PostgreSQL, the same for every target. Nothing here touches what carries another installation's id. */
export interface Databases {
  /**
   * Makes the epoch of this claim known before anything else is done or looked at, so that what an older claim still
   * has under way is refused from here on.
   */
  raise(fence: Fence): Promise<Before>
  /** Every act of this claim has been answered: nothing of it will come late. Never told of one that was cut short. */
  settle(fence: Fence): Promise<void>
  /** `absent` with `rights: "wrong"` means that the database is gone and something of it (its role) is left over. */
  observe(spec: TenantSpec): Promise<SeenDatabase>
  /** A copy of the template, closed to connections. Waits for its turn where clones at once are bounded. */
  clone(spec: TenantSpec, fence: Fence): Promise<void>
  /** New identity, owner, role, grants and limits; still closed to the tenant's role. */
  prepare(spec: TenantSpec, fence: Fence): Promise<void>
  open(spec: TenantSpec, fence: Fence): Promise<void>
  /** Connections that are promised to nobody yet are not given by this. */
  repairRights(spec: TenantSpec, fence: Fence): Promise<void>
  /** Those of the plan, all or none: throws a PermanentError where a shared server has no room for them. */
  giveConnections(spec: TenantSpec, fence: Fence): Promise<void>
  /** Takes the database and its role away. The caller has made sure of the final backup. */
  drop(spec: TenantSpec, fence: Fence): Promise<void>
  /** Counted from outside the tenant; null while there is no open database. */
  usage(spec: TenantSpec): Promise<DatabaseUsage | null>
  /** Every tenant that a shared server has the database of, or has done something for among `also`. */
  find(also: readonly TenantId[]): Promise<readonly FoundDatabase[]>
  /** Resolves when a server answers: its tenants can be worked on. Else throws a RetryableError that says why none does. */
  ping(): Promise<void>
  /** A sentence for each server that does not answer in time, or not at all. */
  problems(): Promise<readonly string[]>
  close(): Promise<void>
}

export interface FoundDatabase {
  readonly tenant: TenantId
  readonly server: string
  /** Whether its database is there; else the server has only heard of it. */
  readonly isThere: boolean
}

export interface DatabaseUsage {
  /** Active internal users without the operator's staff and without Odoo's own robot. */
  readonly activeUsers: number
  readonly megabytes: number
}

export interface Templates {
  /** `server`: each has templates of its own. */
  observe(template: TemplateSpec, server: string): Promise<"absent" | "ready">
  /** On the server of the fence. One build at a time of the same template, whoever asks; resolves at once where it is ready. */
  build(template: TemplateSpec, fence: Fence): Promise<void>
}

export interface Answer {
  readonly status: number
  readonly body: string
}

export interface Runtime<E> {
  /** Changes whenever a running tenant would have to be started anew to be as the spec says. */
  fingerprint(spec: TenantSpec): string
  /** Starts it if it does not run as the spec says; resolves with the endpoint once it was started, not once it answers. */
  ensure(spec: TenantSpec, fence: Fence): Promise<E>
  observe(tenant: TenantId): Promise<SeenRuntime>
  /** Where the tenant answers, or would answer: kept for it from here on, even where nothing of it was made yet. */
  endpoint(fence: Fence): Promise<E>
  /**
   * HTTP to the tenant from the operator's side, past every router. A RetryableError when there is no answer within so
   * many seconds, or when it is longer than anything that saas_tenant says.
   */
  request(tenant: TenantId, path: string, body: string, seconds: number): Promise<Answer>
  /** Takes no more requests, waits at most `drainSeconds` for those in flight, and kills what does not end then. */
  stop(fence: Fence, drainSeconds: number): Promise<void>
  /** Takes away what is left of it: address, cgroup, configuration. */
  remove(fence: Fence): Promise<void>
  /** The last lines it wrote, for a person who wants to know why it does not start. */
  logs(tenant: TenantId, lines: number): Promise<string>
}

export interface Files {
  /**
   * What can be made while there is no database yet. Where that makes them `begun`, its Odoo may be started before there
   * is one, and waits for it. Left out where that saves no time.
   */
  begin?(spec: TenantSpec, fence: Fence): Promise<void>
  ensure(spec: TenantSpec, fence: Fence): Promise<void>
  observe(tenant: TenantId): Promise<SeenFiles>
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
  /** Sets a backup aside that was made for a deletion which was called off; it no longer counts as final. */
  shelve(fence: Fence): Promise<void>
}

export interface Router<E> {
  /** Resolves once every router instance serves it. */
  apply(fence: Fence, endpoint: E, hosts: readonly TenantHost[], state: RouteState): Promise<void>
  observe(tenant: TenantId): Promise<SeenRoute>
  remove(fence: Fence): Promise<void>
}

/** Tries what tenants reach from where they are, with probes in their place: one check of a target at a time. */
export interface IsolationCheck {
  /** Besides, it takes away what older claims have left: whoever made that was killed, or is not wanted any more. */
  start(fence: Fence): Promise<void>
  try(fence: Fence): Promise<readonly IsolationWay[]>
  /** Takes away the probes of this claim. Goes on where the fence's signal is aborted. */
  remove(fence: Fence): Promise<void>
}

/** A tenant of this installation that something is there of, besides a database on a shared server. */
export interface FoundTenant {
  readonly id: TenantId
  /** Whether it has a database server of its own. */
  readonly ownServer: boolean
}

export interface Target<E> {
  readonly name: string
  /** Starts of an Odoo that the machine has room for at once. Left out where somebody else places and bounds them. */
  readonly starts?: Turns
  /** How many want a processor, for each that there is. Left out where tenants run on machines that nobody here sees. */
  load?(): number
  readonly servers: DatabaseServers
  readonly runtime: Runtime<E>
  readonly files: Files
  readonly backups: Backups
  readonly router: Router<E>
  describe(): Promise<TargetInfo>
  /** Everybody who is here, whether or not somebody knows of them. */
  find(): Promise<readonly FoundTenant[]>
  /**
   * A claim begins: nothing has been looked at or done. Where nobody knows how those before it ended, this resolves once
   * whatever of them comes late is refused. Left out where every act makes sure of that by itself.
   */
  takeOver?(fence: Fence, before: Before): Promise<void>
  /**
   * What of a tenant that is there is otherwise than we made it; null: nothing. Left out where nobody can have changed
   * anything that is not seen anyway.
   */
  drift?(spec: TenantSpec): Promise<Drift | null>
  /**
   * What others have added to a tenant, a sentence each for whoever looks after it. Left out where nobody can add
   * anything.
   */
  additions?(tenant: TenantId): Promise<readonly string[]>
  /** Left out where nothing can be tried; `describe` tells. */
  readonly isolation?: IsolationCheck
  /** Called with the id of a tenant whose runtime changed by itself. */
  watch(changed: (tenant: TenantId) => void): Stop
  close(): Promise<void>
}
