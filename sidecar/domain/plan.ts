/**
 * observe → plan → act. `plan` is the whole decision: a pure function from what is wanted and what was seen to
 * the single next step. Nothing is remembered between rounds, so a crash at any instant needs no recovery.
 */
import type { Limits, TenantHost, TenantSpec } from "./tenant.ts"

/** So many crashes in ten minutes are a loop: starting it once more would only burn the machine. */
export const crashLoop = 5

/** How far a tenant's database has come. `open` means that its own role may connect. */
export type DatabaseStage = "absent" | "foreign" | "cloned" | "prepared" | "open"

/** Of a tenant's own server; one that many share is always `ready`, and whoever asks it is told where it is away. */
export interface SeenServer {
  readonly state: "absent" | "starting" | "ready"
}

export interface SeenDatabase {
  readonly stage: DatabaseStage
  /**
   * Role, password, grants, connection limit and ownership are as they should be.
   * `short`: so they are, but for connections that the plan gives and nobody has promised yet.
   * `wrong` beside `absent`: something of it, such as its role, is left over.
   */
  readonly rights: "right" | "short" | "wrong"
}

/** `starting`: the process is there and does not answer yet. */
export type RuntimeState = "stopped" | "starting" | "ready"

export interface SeenRuntime {
  readonly state: RuntimeState
  /** Fingerprint of what it was started with; another one than wanted means a restart. "" when stopped. */
  readonly fingerprint: string
  /** How often it ended by itself in the last ten minutes. */
  readonly crashes: number
  /** Whether a start in place of this one ends it first, with all that a stop does. */
  readonly replaceable?: boolean
  /** Why it does not get ready, or was not started, where waiting will not mend that: in words that a person can act on. */
  readonly problem?: string
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
  | { readonly kind: "suspended" }
  | { readonly kind: "maintenance" }

export interface SeenRoute {
  readonly hosts: readonly string[]
  readonly state: RouteState
}

export type FinalBackup = "absent" | "unverified" | "verified"

/** What is otherwise than we made it, in words for the audit log, and which part's step puts it right. */
export interface Drift {
  readonly part: "files" | "runtime" | "route"
  readonly what: string
}

/** `begun`: made while there was no database yet, so that nothing of the customer's is in them. */
export type SeenFiles = "absent" | "begun" | "present"

export interface Observation {
  readonly server: SeenServer
  readonly template: "absent" | "ready"
  /** `absent` while the server is not ready: nobody can look. */
  readonly database: SeenDatabase
  readonly files: SeenFiles
  readonly runtime: SeenRuntime
  /** null while no runtime answers. */
  readonly tenant: SeenTenant | null
  readonly route: SeenRoute
  readonly finalBackup: FinalBackup
  /** Counted from outside. null while there is no database. */
  readonly activeUsers: number | null
  /** Left out, or null: none. */
  readonly drift?: Drift | null
  /** What others have added, in words. Left out: nothing. */
  readonly additions?: readonly string[]
}

/** What the observation is held against, worked out of the spec by the drivers' own fingerprint functions. */
export interface Wanted {
  readonly runtimeFingerprint: string
  readonly settingsFingerprint: string
}

export type Step =
  | { readonly kind: "make_server" }
  | { readonly kind: "build_template" }
  | { readonly kind: "clone_database" }
  | { readonly kind: "prepare_database" }
  | { readonly kind: "open_database" }
  | { readonly kind: "repair_rights" }
  | { readonly kind: "give_connections" }
  | { readonly kind: "create_files" }
  | { readonly kind: "start_runtime" }
  | { readonly kind: "await_ready" }
  | { readonly kind: "bootstrap" }
  | { readonly kind: "apply_settings"; readonly limits: Limits }
  | { readonly kind: "route"; readonly hosts: readonly TenantHost[]; readonly state: RouteState }
  /** A page in place of the tenant: the same act, and the opposite for whoever watches. */
  | { readonly kind: "divert"; readonly hosts: readonly TenantHost[]; readonly state: RouteState }
  | { readonly kind: "deactivate_users"; readonly keep: number }
  | { readonly kind: "stop_runtime" }
  | { readonly kind: "shelve_backup" }
  | { readonly kind: "back_up" }
  | { readonly kind: "verify_backup" }
  | { readonly kind: "drop_database" }
  | { readonly kind: "remove_files" }
  | { readonly kind: "remove_server" }
  | { readonly kind: "remove_route" }

/** What an isolation check goes through; no plan comes to these. */
export type CheckStepKind = "start_probes" | "try_ways" | "remove_probes"

export type StepKind = Step["kind"] | CheckStepKind

export type Decision =
  | { readonly kind: "step"; readonly step: Step }
  /** Nothing to do now; look again after so many seconds. */
  | { readonly kind: "wait"; readonly seconds: number; readonly reason: string }
  /** The world is as the spec says. */
  | { readonly kind: "done" }
  /** No step of ours can help: the reason says what a person can do. */
  | { readonly kind: "blocked"; readonly reason: string }

/**
 * Where a rule needs two steps, the one that people notice comes first: a suspended tenant shows its page before it is
 * stopped, a deleted one is diverted before it is stopped, and a started one answers before anybody is sent to it.
 */
export function plan(spec: TenantSpec, wanted: Wanted, seen: Observation): Decision {
  switch (spec.desired) {
    case "running":
      return planRunning(spec, wanted, seen)
    case "suspended":
      return planSuspended(spec, seen)
    case "deleted":
      return planDeleted(spec, seen)
  }
}

function planRunning(spec: TenantSpec, wanted: Wanted, seen: Observation): Decision {
  return planDatabase(seen) ?? planRuntime(spec, wanted, seen) ?? planService(spec, wanted, seen)
}

function planDatabase(seen: Observation): Decision | null {
  const { server, database, files, finalBackup, template, drift, runtime } = seen
  if (server.state !== "ready") return step({ kind: "make_server" })
  switch (database.stage) {
    case "foreign":
      return blockedByForeign
    case "absent":
      // An empty database in the place of a lost one would look like a customer's Odoo without their data.
      if (finalBackup !== "absent") {
        return blocked("Its data was deleted after a final backup. Restore that backup, or make a new tenant.")
      }
      if (files === "present") {
        return blocked("Its database is gone while its files are there. Restore a backup, or remove the files first.")
      }
      // Started by a round that came to no database, for which it would wait until it has given up.
      if (runtime.state !== "stopped") return step({ kind: "stop_runtime" })
      return step({ kind: template === "absent" ? "build_template" : "clone_database" })
    case "cloned":
      return step({ kind: "prepare_database" })
    case "prepared":
      return step({ kind: files === "present" ? "open_database" : "create_files" })
    case "open":
      if (database.rights === "wrong") return step({ kind: "repair_rights" })
      return files !== "present" || drift?.part === "files" ? step({ kind: "create_files" }) : null
  }
}

function planRuntime(spec: TenantSpec, wanted: Wanted, seen: Observation): Decision | null {
  const { database, runtime, tenant, route, finalBackup, drift } = seen
  if (runtime.state !== "stopped" && runtime.fingerprint !== wanted.runtimeFingerprint) {
    // Where there is no room for them, what serves just now goes on serving.
    if (database.rights === "short") return step({ kind: "give_connections" })
    return step({ kind: runtime.replaceable ? "start_runtime" : "stop_runtime" })
  }
  if (runtime.state === "stopped") {
    const loops = runtime.crashes >= crashLoop
    // Visitors would wait for an answer that does not come.
    if ((loops || runtime.problem) && route.state.kind === "up") return routeTo(spec, { kind: "maintenance" })
    if (loops) {
      return wait(
        60,
        `It ended by itself ${runtime.crashes} times in ten minutes. Its log says why; it is tried again.`,
      )
    }
    // From its next start on, the data may move on from what a called-off deletion has backed up.
    return step({ kind: finalBackup === "absent" ? "start_runtime" : "shelve_backup" })
  }
  if (drift?.part === "runtime") return step({ kind: "start_runtime" })
  return runtime.state === "starting" || tenant === null ? step({ kind: "await_ready" }) : null
}

function planService(spec: TenantSpec, wanted: Wanted, seen: Observation): Decision {
  const { database, tenant, route, activeUsers, drift } = seen
  if (!tenant?.bootstrapped) return step({ kind: "bootstrap" })
  if (tenant.settings !== wanted.settingsFingerprint) return step({ kind: "apply_settings", limits: spec.limits })
  if (!isRouted(route, spec.hosts, { kind: "up" }) || drift?.part === "route") return routeTo(spec, { kind: "up" })
  if (activeUsers !== null && activeUsers > spec.limits.users) {
    return step({ kind: "deactivate_users", keep: spec.limits.users })
  }
  // Last: one that ended by itself while there was no room for more serves with those that it had.
  return database.rights === "short" ? step({ kind: "give_connections" }) : done
}

function planSuspended(spec: TenantSpec, { database, runtime, route, drift }: Observation): Decision {
  const state: RouteState = { kind: "suspended" }
  if (!isRouted(route, spec.hosts, state) || drift?.part === "route") return routeTo(spec, state)
  if (runtime.state !== "stopped") return step({ kind: "stop_runtime" })
  if (database.stage === "foreign") return blockedByForeign
  if (database.stage !== "open") return done
  if (drift?.part === "files") return step({ kind: "create_files" })
  return database.rights === "wrong" ? step({ kind: "repair_rights" }) : done
}

function planDeleted(spec: TenantSpec, seen: Observation): Decision {
  const { server, database, files, runtime, route, finalBackup } = seen
  if (route.state.kind !== "none" && route.state.kind !== "maintenance") {
    return step({
      kind: "divert",
      hosts: route.hosts.map((name, index) => ({ name, primary: index === 0 })),
      state: { kind: "maintenance" },
    })
  }
  if (runtime.state !== "stopped") {
    // What was backed up while it could still be written to is not the final backup.
    return step({ kind: finalBackup === "absent" ? "stop_runtime" : "shelve_backup" })
  }
  // What is in it must be seen before anybody can say that it may go.
  if (server.state === "starting") return step({ kind: "make_server" })
  switch (database.stage) {
    case "foreign":
      return blockedByForeign
    case "cloned":
    case "prepared":
      // Never opened, so nothing of the customer is in it. Files first: alone they would look like a lost database.
      return step({ kind: files === "absent" ? "drop_database" : "remove_files" })
    case "open":
      if (finalBackup === "absent") return step({ kind: "back_up" })
      return step({ kind: finalBackup === "verified" ? "drop_database" : "verify_backup" })
    case "absent":
      if (database.rights === "wrong") return step({ kind: "drop_database" })
      if (files === "begun") return step({ kind: "remove_files" })
      if (files === "present") {
        return finalBackup === "verified"
          ? step({ kind: "remove_files" })
          : blocked(
              "Its database is gone and no final backup was verified, so its files are kept. Remove them by hand.",
            )
      }
      if (spec.database === "dedicated" && server.state !== "absent") return step({ kind: "remove_server" })
      return route.state.kind === "none" ? done : step({ kind: "remove_route" })
  }
}

const done: Decision = { kind: "done" }

const blockedByForeign = blocked(
  "A database of that name belongs to another installation. Nothing is touched; move or rename that database first.",
)

function step(step: Step): Decision {
  return { kind: "step", step }
}

function wait(seconds: number, reason: string): Decision {
  return { kind: "wait", seconds, reason }
}

function blocked(reason: string): Decision {
  return { kind: "blocked", reason }
}

function routeTo(spec: TenantSpec, state: RouteState): Decision {
  return step({ kind: state.kind === "up" ? "route" : "divert", hosts: spec.hosts, state })
}

function isRouted(route: SeenRoute, hosts: readonly TenantHost[], state: RouteState): boolean {
  return route.state.kind === state.kind && sameHosts(route.hosts, hosts)
}

function sameHosts(names: readonly string[], hosts: readonly TenantHost[]): boolean {
  const wanted = new Set(hosts.map((host) => host.name))
  return wanted.size === names.length && names.every((name) => wanted.has(name))
}
