import { Component } from "@odoo/owl"
import { phaseClass, phaseLook } from "./phases.ts"

export interface PhaseBadgeProps {
  phase: string
  label: string
}

/** A phase by colour, icon and words. */
export class PhaseBadge extends Component<PhaseBadgeProps> {
  static override template = "saas_master.PhaseBadge"
  static override props = { phase: String, label: String }

  get badgeClass(): string {
    return phaseClass(this.props.phase)
  }

  get iconClass(): string {
    const { icon, busy } = phaseLook(this.props.phase)
    return busy ? `${icon} o_saas_turning` : icon
  }
}
