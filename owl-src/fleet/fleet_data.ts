/** The answer of `saas.fleet.get_fleet`: everything on the fleet page, in one call. */
import type { Operation } from "../tenant/operation.ts"

/** Named numbers, in the order and with the words of the server. */
export interface Count {
  readonly name: string
  readonly label: string
  readonly count: number
}

/** How much of something is taken; `of` 0 means that nobody knows. */
export interface Fullness {
  readonly used: number
  readonly of: number
}

export interface Trial {
  readonly id: number
  readonly name: string
  readonly customer: string
  readonly plan: string
  /** Last day of the trial, `YYYY-MM-DD`. */
  readonly trial_end: string
  /** Whole days from today; 0 is today, below 0 it is over. */
  readonly days_left: number
}

export interface Target {
  readonly id: number
  readonly name: string
  readonly kind_label: string
  readonly state: "ready" | "not_ready" | "paused"
  readonly state_label: string
  readonly note: string
  /** What is weaker than it should be about tenants being kept apart, and what to do; "" when all is well. */
  readonly isolation_headline: string
  readonly isolation_note: string
  readonly last_hello: string | false
  /** Megabytes promised to running tenants, of what the machine has. */
  readonly memory: Fullness
  /** Thousandths of a processor. */
  readonly cpu: Fullness
  readonly running: number
}

export interface Server {
  readonly id: number
  readonly name: string
  readonly target: string
  readonly ready: boolean
  readonly note: string
  /** Megabytes promised by the plans of its tenants, of what they use and what is free. */
  readonly storage: Fullness
  readonly databases: Fullness
  readonly connections: Fullness
  readonly disk_free_mb: number
}

/** What the installation still lacks before the first customer can be served. */
export interface FirstSteps {
  readonly target_ready: boolean
  readonly plans: number
  readonly quotations: number
}

export interface FleetData {
  readonly now: string
  readonly can_operate: boolean
  readonly can_own: boolean
  readonly paused: boolean
  /** False in a master that was restored from a copy, until an owner says that it is the one. */
  readonly confirmed: boolean
  readonly tenants: number
  readonly phases: readonly Count[]
  readonly step_labels: Readonly<Record<string, string>>
  readonly running: readonly Operation[]
  readonly running_count: number
  readonly waiting: readonly Operation[]
  readonly waiting_count: number
  readonly failures: readonly Operation[]
  readonly failure_count: number
  readonly subscriptions: readonly Count[]
  readonly trials: readonly Trial[]
  readonly targets: readonly Target[]
  readonly servers: readonly Server[]
  readonly first_steps: FirstSteps
}
