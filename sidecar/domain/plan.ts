/**
 * observe → plan → act. `plan` is the whole decision: a pure function from what is wanted and what was seen to
 * the single next step. Nothing is remembered between rounds, so a crash at any instant needs no recovery.
 */
import type { Limits, TenantHost, TenantSpec } from "./tenant.ts"

/** How far a tenant's database has come. `open` means that its own role may connect. */
export type DatabaseStage = "absent" | "foreign" | "cloned" | "prepared" | "open"

export interface SeenDatabase {
  readonly stage: DatabaseStage
  /** Role, password, grants, connection limit and ownership are as they should be. */
  readonly rights: "right" | "wrong"
  readonly connectionLimit: number
}

/** `starting`: the process is there and does not answer yet. */
export type RuntimeState = "stopped" | "starting" | "ready"

export interface SeenRuntime {
  readonly state: RuntimeState
  /** Fingerprint of what it was started with; another one than wanted means a restart. "" when stopped. */
  readonly fingerprint: string
  /** How often it ended by itself in the last ten minutes. */
  readonly crashes: number
}

/** What saas_tenant says that it has applied. Never trusted for anything but skipping a message. */
export interface SeenTenant {
  readonly bootstrapped: boolean
  /** Fingerprint of the limits and the banner that were applied last. */
  readonly settings: string
}

export type RouteState =
  | { readonly kind: "none" }
  | { readonly kind: "up" }
  | { readonly kind: "asleep" }
  | { readonly kind: "suspended"; readonly reason: string }
  | { readonly kind: "maintenance" }

export interface SeenRoute {
  readonly hosts: readonly string[]
  readonly state: RouteState
}

export type FinalBackup = "absent" | "unverified" | "verified"

export interface Observation {
  readonly template: "absent" | "ready"
  readonly database: SeenDatabase
  readonly files: "absent" | "present"
  readonly runtime: SeenRuntime
  /** null while no runtime answers. */
  readonly tenant: SeenTenant | null
  readonly route: SeenRoute
  readonly finalBackup: FinalBackup
  /** Counted from outside. null while there is no database. */
  readonly activeUsers: number | null
}

/** What the observation is held against, worked out of the spec by the drivers' own fingerprint functions. */
export interface Wanted {
  readonly runtimeFingerprint: string
  readonly settingsFingerprint: string
}

export type Step =
  | { readonly kind: "build_template" }
  | { readonly kind: "clone_database" }
  | { readonly kind: "prepare_database" }
  | { readonly kind: "open_database" }
  | { readonly kind: "repair_rights" }
  | { readonly kind: "create_files" }
  | { readonly kind: "start_runtime" }
  | { readonly kind: "await_ready" }
  | { readonly kind: "bootstrap" }
  | { readonly kind: "apply_settings"; readonly limits: Limits }
  | { readonly kind: "route"; readonly hosts: readonly TenantHost[]; readonly state: RouteState }
  | { readonly kind: "deactivate_users"; readonly keep: number }
  | { readonly kind: "stop_runtime" }
  | { readonly kind: "back_up" }
  | { readonly kind: "verify_backup" }
  | { readonly kind: "drop_database" }
  | { readonly kind: "remove_files" }
  | { readonly kind: "remove_route" }

export type StepKind = Step["kind"]

export type Decision =
  | { readonly kind: "step"; readonly step: Step }
  /** Nothing to do now; look again after so many seconds. */
  | { readonly kind: "wait"; readonly seconds: number; readonly reason: string }
  | { readonly kind: "done" }
  /** No step of ours can help: the reason says what a person can do. */
  | { readonly kind: "blocked"; readonly reason: string }

export function plan(_spec: TenantSpec, _wanted: Wanted, _seen: Observation): Decision {
  throw new Error("to be written")
}
