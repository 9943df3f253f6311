/** How each phase of a tenant looks. Its words come from the server, in the reader's language. */

export interface PhaseLook {
  /** A Font Awesome 4 icon, so that colour is never the only sign. */
  readonly icon: string
  /** Something is being done: the icon turns. */
  readonly busy: boolean
}

const looks = {
  failed: { icon: "fa-exclamation-triangle", busy: false },
  running: { icon: "fa-check-circle", busy: false },
  asleep: { icon: "fa-moon-o", busy: false },
  pending: { icon: "fa-hourglass-start", busy: false },
  provisioning: { icon: "fa-cog", busy: true },
  updating: { icon: "fa-refresh", busy: true },
  restoring: { icon: "fa-history", busy: false },
  suspended: { icon: "fa-pause-circle", busy: false },
  deleting: { icon: "fa-trash-o", busy: false },
  deleted: { icon: "fa-archive", busy: false },
} as const satisfies Record<string, PhaseLook>

export type PhaseName = keyof typeof looks

/** In the order in which an operator looks at them. */
export const phaseNames = Object.keys(looks) as readonly PhaseName[]

const unknownLook: PhaseLook = { icon: "fa-question-circle", busy: false }

export function isPhase(name: string): name is PhaseName {
  return name in looks
}

export function phaseLook(name: string): PhaseLook {
  return isPhase(name) ? looks[name] : unknownLook
}

/** Carries the phase's colours; see `phase.scss`. */
export function phaseClass(name: string): string {
  return `o_saas_phase_${isPhase(name) ? name : "unknown"}`
}
