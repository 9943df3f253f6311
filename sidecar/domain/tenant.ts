/**
 * The words of the control plane as types: what the master wants of a tenant (`TenantSpec`, written by the
 * master only) and what was seen of it (`TenantStatus`, written by the sidecar only).
 */

/** Opaque and for ever: `t` and 10 base32 characters. Also the name of the tenant's database and role. */
export type TenantId = string
export const tenantPattern = "^t[a-z2-7]{10}$"

export const desiredStates = ["running", "suspended", "deleted"] as const
export type DesiredState = (typeof desiredStates)[number]

/** Kept equal to `PHASES` in saas_master/models/lifecycle.py by a test. */
export const phases = [
  "pending",
  "provisioning",
  "running",
  "asleep",
  "suspended",
  "updating",
  "restoring",
  "deleting",
  "deleted",
  "failed",
] as const
export type Phase = (typeof phases)[number]

export interface Limits {
  /** Thousandths of one processor. */
  readonly cpuMilli: number
  readonly memoryMb: number
  /** Database and filestore together. */
  readonly storageMb: number
  /** Active internal users; the operator's own staff do not count. */
  readonly users: number
  /** Connections that the tenant's role may hold open in PostgreSQL. */
  readonly connections: number
  /** Processes that answer requests; 0: one with threads, which is all that some targets can do. */
  readonly workers: number
}

/** What may leave a tenant's Odoo for the Internet. */
export interface Outgoing {
  /** Mail, through the operator's relay. */
  readonly mail: boolean
  /** Calls of other services: payment providers, carriers, app stores. */
  readonly https: boolean
}

/** What runs: one Odoo version and the addon folders beside Odoo's own, in order. */
export interface ReleaseSpec {
  readonly name: string
  readonly odooVersion: string
  readonly sources: readonly string[]
}

/** A template is named by what is in it: the same content gives the same key in every master. */
export interface TemplateSpec {
  /** 10 lower-case hexadecimal characters. */
  readonly key: string
  readonly release: ReleaseSpec
  readonly modules: readonly string[]
  /** Locales whose translations are loaded, beside `en_US`, such as `de_DE`. */
  readonly languages: readonly string[]
}

/** What a new Odoo is told about its owner before anybody signs on. */
export interface Bootstrap {
  readonly company: string
  /** ISO 3166-1 alpha-2, upper case, or "" where unknown. */
  readonly country: string
  /** A locale as Odoo writes it, such as `en_US`. */
  readonly lang: string
  /** IANA name, or "" where unknown. */
  readonly timezone: string
  readonly userName: string
  readonly userLogin: string
}

/** A PostgreSQL server that many share, or one of the tenant's own. */
export const databaseStrategies = ["shared", "dedicated"] as const
export type DatabaseStrategy = (typeof databaseStrategies)[number]

export interface TenantHost {
  readonly name: string
  readonly primary: boolean
}

/** Shown inside the tenant to everybody who signs on; "" is no banner. */
export interface Banner {
  readonly level: "info" | "warning" | "danger"
  readonly text: string
}

export interface TenantSpec {
  readonly id: TenantId
  readonly slug: string
  /** Raised by the master at every change of the spec. */
  readonly generation: number
  readonly desired: DesiredState
  readonly target: string
  /**
   * Name of the shared server that the tenant's database is on. Where it is on one of the tenant's own, that one gets its
   * first database from a template there, and claims are fenced there.
   */
  readonly server: string
  readonly database: DatabaseStrategy
  readonly template: TemplateSpec
  readonly limits: Limits
  readonly outgoing: Outgoing
  readonly hosts: readonly TenantHost[]
  readonly bootstrap: Bootstrap
  readonly banner: Banner | null
  /** Logins of the operator's staff who may have a user of their own inside the tenant. */
  readonly staffLogins: readonly string[]
  /** Where the customer gets more users or storage. */
  readonly upgradeUrl: string
}

export interface Usage {
  readonly users: number
  readonly databaseMb: number
  readonly filestoreMb: number
}

export interface TenantStatus {
  readonly phase: Phase
  /** The generation of the spec that this status speaks of. */
  readonly generation: number
  /** For people: why it is so and what to do next; "" when all is well. */
  readonly message: string
  /** What others have added to it, a sentence each. It is left alone: nothing is done because of it. */
  readonly additions: readonly string[]
  readonly usage: Usage | null
}
