/** A tenant's world as a value: small enough to try everything on it. What would lose a customer's data throws. */
import {
  crashLoop,
  type Observation,
  type RouteState,
  type SeenFiles,
  type SeenRuntime,
  type Step,
  type Wanted,
} from "../../../sidecar/domain/plan.ts"
import type { TenantSpec } from "../../../sidecar/domain/tenant.ts"

export interface Model {
  /** Whether the tenant has a server of its own; one that others share is always ready. */
  readonly dedicated: boolean
  /** Whether its target starts Odoo while the database is made, and replaces one that runs. */
  readonly pods: boolean
  readonly server: Observation["server"]["state"]
  readonly template: boolean
  readonly stage: Observation["database"]["stage"]
  /** `short`: right, for a plan with fewer connections. */
  readonly role: "absent" | "right" | "short" | "wrong"
  readonly files: SeenFiles
  readonly runtime: SeenRuntime
  readonly bootstrapped: boolean
  readonly settings: string
  readonly route: { readonly hosts: readonly string[]; readonly state: RouteState }
  readonly users: number
  /** Counts what the customer wrote; a backup remembers what it holds. */
  readonly written: number
  readonly backup: { readonly holds: number; readonly verified: boolean } | null
}

export const emptyModel: Model = {
  dedicated: false,
  pods: false,
  server: "ready",
  template: false,
  stage: "absent",
  role: "absent",
  files: "absent",
  runtime: { state: "stopped", fingerprint: "", crashes: 0 },
  bootstrapped: false,
  settings: "",
  route: { hosts: [], state: { kind: "none" } },
  users: 1,
  written: 0,
  backup: null,
}

export function wantedOf(spec: TenantSpec): Wanted {
  return {
    runtimeFingerprint: `runtime ${spec.limits.memoryMb}`,
    settingsFingerprint: `settings ${spec.limits.users}`,
  }
}

export function observeModel(model: Model): Observation {
  const answers = model.runtime.state === "ready"
  const isThere = model.stage !== "absent"
  const isSeen = model.server === "ready"
  return {
    server: { state: model.server },
    template: model.template ? "ready" : "absent",
    database: {
      stage: isSeen ? model.stage : "absent",
      rights: !isSeen ? "right" : isThere ? rightsOf(model) : rightsWithout(model),
    },
    files: model.files,
    runtime: model.pods && model.runtime.state !== "stopped" ? { ...model.runtime, replaceable: true } : model.runtime,
    tenant: answers ? { bootstrapped: model.bootstrapped, settings: model.settings } : null,
    route: model.route,
    finalBackup: model.backup === null ? "absent" : model.backup.verified ? "verified" : "unverified",
    activeUsers: isSeen && model.stage === "open" ? model.users : null,
  }
}

function rightsOf({ stage, role }: Model): Observation["database"]["rights"] {
  if (stage !== "open") return "right"
  return role === "absent" ? "wrong" : role
}

function rightsWithout(model: Model): "right" | "wrong" {
  return model.role === "absent" ? "right" : "wrong"
}

/** What a step does. Done twice, it does no more than done once. */
export function applyStep(model: Model, step: Step, spec: TenantSpec): Model {
  switch (step.kind) {
    case "make_server":
      demand(model.dedicated, "a server is made for a tenant that shares one")
      return { ...model, server: "ready" }
    case "build_template":
      return { ...model, template: true }
    case "clone_database":
      demand(model.template, "a clone needs its template")
      demand(model.server === "ready", "a clone needs its server")
      demand(model.stage !== "foreign", "a foreign database is touched")
      return { ...startedAhead(model, spec), stage: model.stage === "absent" ? "cloned" : model.stage }
    case "prepare_database":
      demand(model.stage === "cloned" || model.stage === "prepared", "prepare needs a clone")
      return { ...model, stage: "prepared", role: "right" }
    case "open_database":
      demand(model.stage === "prepared" || model.stage === "open", "only what is prepared may be opened")
      return { ...model, stage: "open" }
    case "repair_rights":
      return { ...model, role: "right" }
    case "give_connections":
      demand(model.stage === "open" && model.role === "short", "connections are given to whom none are missing")
      return { ...model, role: "right" }
    case "create_files":
      return { ...model, files: "present" }
    case "start_runtime":
      demand(spec.desired === "running", `a tenant that is to be ${spec.desired} is started`)
      demand(
        model.stage === "open" && ["right", "short"].includes(model.role) && model.files === "present",
        "it is started half-made",
      )
      demand(model.backup === null, "it is started while a final backup counts")
      if (model.runtime.state !== "stopped" && !isReplaced(model, spec)) return model
      return {
        ...model,
        runtime: { ...model.runtime, state: "starting", fingerprint: wantedOf(spec).runtimeFingerprint },
      }
    case "await_ready":
      demand(model.runtime.state !== "stopped", "a stopped runtime is waited for")
      demand(model.stage === "open" && model.files === "present", "what is half-made is waited for")
      return { ...model, runtime: { ...model.runtime, state: "ready" } }
    case "bootstrap":
      return { ...model, bootstrapped: true }
    case "apply_settings":
      return { ...model, settings: wantedOf(spec).settingsFingerprint }
    case "route":
    case "divert":
      if (step.state.kind === "up")
        demand(model.bootstrapped && model.runtime.state === "ready", "visitors meet a ruin")
      return { ...model, route: { hosts: step.hosts.map(({ name }) => name), state: step.state } }
    case "deactivate_users":
      return { ...model, users: Math.min(model.users, step.keep) }
    case "stop_runtime":
      return { ...model, runtime: { ...model.runtime, state: "stopped", fingerprint: "" } }
    case "shelve_backup":
      return { ...model, backup: null }
    case "back_up":
      demand(model.runtime.state === "stopped", "a final backup is taken of what still changes")
      return { ...model, backup: { holds: model.written, verified: false } }
    case "verify_backup":
      demand(model.backup !== null, "there is no backup to verify")
      return { ...model, backup: model.backup && { ...model.backup, verified: true } }
    case "drop_database":
      demandMayDelete(model, spec)
      return { ...model, stage: "absent", role: "absent" }
    case "remove_files":
      if (model.files !== "begun") demandMayDelete(model, spec)
      demand(model.stage !== "open", "files are removed before their database")
      return { ...model, files: "absent" }
    case "remove_server":
      demand(model.dedicated, "a server is removed that others share")
      demand(model.stage === "absent", "a server is removed with a database in it")
      demandMayDelete(model, spec)
      return { ...model, server: "absent" }
    case "remove_route":
      demand(spec.desired === "deleted", "the route of a living tenant is removed")
      return { ...model, route: { hosts: [], state: { kind: "none" } } }
  }
}

/** What is left where the worker was killed in the middle; null where a step has no middle. */
export function applyHalf(model: Model, step: Step, spec: TenantSpec): Model | null {
  switch (step.kind) {
    case "make_server":
      return { ...model, server: "starting" }
    case "clone_database":
      // The role holds the tenant's connections before there is a database.
      if (model.stage !== "absent") return null
      return { ...startedAhead(model, spec), role: model.role === "absent" ? "wrong" : model.role }
    case "drop_database":
      return { ...applyStep(model, step, spec), role: model.role }
    case "route":
    case "divert":
      return { ...model, route: { hosts: [], state: { kind: "maintenance" } } }
    case "open_database":
      return { ...applyStep(model, step, spec), role: "wrong" }
    default:
      return null
  }
}

function isReplaced({ pods, runtime }: Model, spec: TenantSpec): boolean {
  return pods && runtime.fingerprint !== wantedOf(spec).runtimeFingerprint
}

function startedAhead(model: Model, spec: TenantSpec): Model {
  if (!model.pods || model.stage !== "absent") return model
  demand(spec.desired === "running", `a tenant that is to be ${spec.desired} is started`)
  const files = model.files === "absent" ? "begun" : model.files
  // One that ended by itself too often is seen as stopped.
  if (model.runtime.state !== "stopped" || model.runtime.crashes >= crashLoop) return { ...model, files }
  const fingerprint = wantedOf(spec).runtimeFingerprint
  return { ...model, files, runtime: { ...model.runtime, state: "starting", fingerprint } }
}

/** What customers, machines and other people do meanwhile. */
export const interferences = {
  nothing: (model) => model,
  write: (model) => (model.runtime.state === "ready" ? { ...model, written: model.written + 1 } : model),
  /** Its pod is gone for a while; the volume stays. */
  loseServer: (model) => (model.server === "ready" && model.dedicated ? { ...model, server: "starting" } : model),
  crash: (model) =>
    model.runtime.state === "stopped"
      ? model
      : { ...model, runtime: { state: "stopped", fingerprint: "", crashes: model.runtime.crashes + 1 } },
  breakRights: (model) => (model.stage === "open" ? { ...model, role: "wrong" } : model),
  /** Its plan gives it more connections from here on. */
  enlargePlan: (model) => (model.stage === "open" && model.role === "right" ? { ...model, role: "short" } : model),
  addUsers: (model) => (model.runtime.state === "ready" ? { ...model, users: model.users + 10 } : model),
  loseTemplate: (model) => ({ ...model, template: false }),
  loseRoute: (model) => ({ ...model, route: { hosts: [], state: { kind: "none" } } }),
  forgetSettings: (model) => ({ ...model, settings: "" }),
  damageBackup: (model) => ({ ...model, backup: model.backup && { ...model.backup, verified: false } }),
  tenMinutesPass: (model) => ({ ...model, runtime: { ...model.runtime, crashes: 0 } }),
} satisfies Record<string, (model: Model) => Model>

export type Interference = keyof typeof interferences

function demandMayDelete(model: Model, spec: TenantSpec): void {
  demand(spec.desired === "deleted", "data is deleted though nobody said so")
  demand(model.runtime.state === "stopped", "data is deleted under a running tenant")
  if (model.written === 0 && model.stage !== "open") return
  if (model.stage === "absent" && model.backup === null && model.files === "absent") return
  demand(model.backup?.verified === true, "data is deleted without a verified backup")
  demand(model.backup?.holds === model.written, "data is deleted that the backup does not hold")
}

function demand(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(`Never again: ${otherwise}`)
}
