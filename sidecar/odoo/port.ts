/**
 * The control protocol, version 2: what the sidecar asks of the master's `saas.control`, free of how it travels.
 * `xmlrpc.ts` is one implementation; another transport takes its place without a change elsewhere.
 *
 * Every method is one transaction in the master. Errors: a `MasterUnavailable` may be tried again as it is,
 * a `MasterRefused` is final for that call.
 */
import type {
  DatabaseStrategy,
  DesiredState,
  TemplateSpec,
  TenantId,
  TenantSpec,
  TenantStatus,
  Usage,
} from "../domain/tenant.ts"

export const protocolVersion = 2

export interface TargetInfo {
  readonly name: string
  readonly kind: "process" | "docker" | "kubernetes"
  readonly ready: boolean
  /** Why it is not ready, or what is weaker than it should be, each with what to do about it. */
  readonly notes: readonly string[]
  /** Kinds of isolation between tenants that this machine cannot give, such as `own uid`. */
  readonly missingIsolation: readonly string[]
  readonly memoryMb: number
  readonly cpuMilli: number
  /** Whether it makes database servers for single tenants. */
  readonly dedicatedServers: boolean
  /** Whether it can try what tenants reach, by an operation `check_isolation`. */
  readonly checksIsolation: boolean
}

/** A shared database server. */
export interface ServerInfo {
  readonly name: string
  readonly target: string
  readonly ready: boolean
  readonly notes: readonly string[]
  /** Those that tenants may have: what the server takes without what it keeps for superusers and for us. */
  readonly maxConnections: number
  readonly maxDatabases: number
  readonly databases: number
  /** What all tenants' roles together may hold: never more than `maxConnections`, whoever is busy. */
  readonly promisedConnections: number
  /** Open just now, those of the operator included. */
  readonly connections: number
  readonly diskFreeMb: number
  /** 0 where nobody knows it. */
  readonly diskTotalMb: number
}

/** A tenant that is there and that the master has not told of: it is left as it is until a person adopts it. */
export interface StrayInfo {
  readonly id: TenantId
  readonly target: string
  /** Where its database is; `none`: only other things of it are there. */
  readonly database: DatabaseStrategy | "none"
  /** The shared server that has its database, or that one of its own was filled from; "" where none knows of it. */
  readonly server: string
  readonly hosts: readonly string[]
}

export interface HelloInfo {
  readonly protocol: number
  readonly worker: string
  readonly version: string
  readonly targets: readonly TargetInfo[]
  readonly servers: readonly ServerInfo[]
  /** null: nobody can tell yet. The master leaves out those that it knows by now. */
  readonly strays: readonly StrayInfo[] | null
}

export interface HelloAnswer {
  readonly protocol: number
  /** Identifies the installation: what carries another's is never touched. */
  readonly installation: string
  /** False in a master that was restored from a copy until a person says that it is the one: read only. */
  readonly confirmed: boolean
  /** Operations that wait to be claimed. */
  readonly queued: number
}

export const operationKinds = [
  "reconcile",
  "build_template",
  "check_isolation",
  "backup",
  "restore",
  "clone",
  "upgrade",
  "move",
] as const
export type OperationKind = (typeof operationKinds)[number]

interface ClaimBase {
  readonly operation: number
  readonly lease: string
  /** Grows with every claim of the same subject; fences every act. */
  readonly epoch: number
  /** 1 at the first try. */
  readonly attempt: number
}

export interface TenantClaim extends ClaimBase {
  readonly kind: Exclude<OperationKind, "build_template" | "check_isolation">
  readonly spec: TenantSpec
}

export interface TemplateClaim extends ClaimBase {
  readonly kind: "build_template"
  readonly template: TemplateSpec
  readonly target: string
  readonly server: string
}

export interface TargetClaim extends ClaimBase {
  readonly kind: "check_isolation"
  readonly target: string
}

export type Claim = TenantClaim | TemplateClaim | TargetClaim

export interface ClaimRequest {
  /** Asked again with the same id, the master gives the same answer. */
  readonly requestId: string
  readonly worker: string
  readonly targets: readonly string[]
  readonly limit: number
  readonly leaseSeconds: number
  /** Leases of what the worker has under way: it is not given to it once more, run out or not. */
  readonly held: readonly string[]
}

export interface Renewal {
  readonly operation: number
  readonly lease: string
}

export interface RenewAnswer {
  /** Leases that are no longer ours. */
  readonly lost: readonly number[]
  /** Operations that a person cancelled. */
  readonly cancelled: readonly number[]
  /** Operations whose tenant has a newer spec, with that spec: plan anew. */
  readonly moved: readonly { readonly operation: number; readonly spec: TenantSpec }[]
}

export interface StepReport {
  /** Counts from 1 inside the operation; reporting the same number again overwrites. */
  readonly number: number
  readonly name: string
  readonly state: "running" | "done" | "failed"
  /** UTC, ISO 8601 with milliseconds. */
  readonly startedAt: string
  readonly durationMs: number
  readonly message: string
}

/** Who may be at an end of a way; the master has words for each. `itself` and `other_tenant` are seen from a tenant. */
export type Party = "tenant" | "itself" | "other_tenant" | "database" | "cluster" | "metadata" | "sidecar"

/** One way through the network that was tried. */
export interface IsolationWay {
  readonly from: Party
  readonly to: Party
  /** Which one, where there are several; else "". */
  readonly name: string
  readonly wanted: "open" | "shut"
  readonly found: "open" | "shut"
}

export type Outcome =
  | { readonly kind: "done"; readonly generation: number }
  /** The end of a `check_isolation`: what it found. */
  | { readonly kind: "checked"; readonly ways: readonly IsolationWay[] }
  | { readonly kind: "retry"; readonly afterSeconds: number; readonly reason: string }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "cancelled"; readonly reason: string }
  /** Given back unfinished because the sidecar stops; does not count as a try. */
  | { readonly kind: "released" }

/** What the master wants to be seen to, without any operation: the list that the hourly look goes through. */
export interface TenantSummary {
  readonly id: TenantId
  readonly desired: DesiredState
  readonly epoch: number
  readonly spec: TenantSpec
}

/** What a tenant uses, counted from outside of it. */
export interface UsageSample extends Usage {
  readonly tenant: TenantId
  /** UTC, ISO 8601 with milliseconds. */
  readonly at: string
}

export interface MasterPort {
  hello(info: HelloInfo): Promise<HelloAnswer>
  claim(request: ClaimRequest): Promise<readonly Claim[]>
  renew(leases: readonly Renewal[], leaseSeconds: number): Promise<RenewAnswer>
  /** False when the lease is stale: stop at once. */
  report(renewal: Renewal, steps: readonly StepReport[], status: TenantStatus | null): Promise<boolean>
  /** False when the lease is stale. Safe to repeat. */
  finish(
    renewal: Renewal,
    outcome: Outcome,
    steps: readonly StepReport[],
    status: TenantStatus | null,
  ): Promise<boolean>
  /** Seen outside any operation; `seq` grows per sidecar start in microseconds, older ones are dropped. */
  observed(tenant: TenantId, epoch: number, seq: string, status: TenantStatus): Promise<boolean>
  /** The sidecar asks for an operation: crashed, drifted, limit passed. The reason goes to the audit log. */
  request(tenant: TenantId, kind: OperationKind, reason: string): Promise<boolean>
  /** Every tenant of these targets that is not finally deleted; of `only`, where that is not null. */
  tenants(targets: readonly string[], only: readonly TenantId[] | null): Promise<readonly TenantSummary[]>
  ingestUsage(samples: readonly UsageSample[]): Promise<void>
}

/** The master did not answer or was not able to: try again later. */
export class MasterUnavailable extends Error {
  override readonly name = "MasterUnavailable"
}

/** The master answered and said no. */
export class MasterRefused extends Error {
  override readonly name = "MasterRefused"
}
