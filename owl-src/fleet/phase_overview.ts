import { Component } from "@odoo/owl"
import { user } from "@web/core/user"
import type { ActionService } from "@web/core/utils/hooks"
import { useService } from "@web/core/utils/hooks"
import { _t } from "../i18n.ts"
import { phaseClass, phaseLook, phaseNames } from "../tenant/phases.ts"
import type { Count } from "./fleet_data.ts"
import { openList } from "./navigation.ts"

export interface PhaseOverviewProps {
  phases: readonly Count[]
  total: number
}

/** Shown even at 0: that nothing has failed is news, too. */
const always: readonly string[] = ["running", "failed"]

/** All tenants by phase: a bar of shares and a tile each, that lead to the list. */
export class PhaseOverview extends Component<PhaseOverviewProps> {
  static override template = "saas_master.PhaseOverview"
  static override props = { phases: Array, total: Number }

  private action!: ActionService

  override setup(): void {
    this.action = useService("action")
  }

  get phases(): readonly Count[] {
    const rank = (name: string) => (phaseNames as readonly string[]).indexOf(name)
    return this.props.phases
      .filter(({ name, count }) => count > 0 || always.includes(name))
      .sort((a, b) => rank(a.name) - rank(b.name))
  }

  /** What the bar says, for those who do not see it. */
  get summary(): string {
    return this.phases.map(({ label, count }) => `${label}: ${this.number(count)}`).join(", ")
  }

  get allText(): string {
    return _t("All %s", this.number(this.props.total))
  }

  phaseClass(phase: Count): string {
    return phaseClass(phase.name)
  }

  iconClass(phase: Count): string {
    const { icon, busy } = phaseLook(phase.name)
    return busy && phase.count > 0 ? `${icon} o_saas_turning` : icon
  }

  share(phase: Count): string {
    return `flex-grow: ${phase.count}`
  }

  number(count: number): string {
    return new Intl.NumberFormat(user.lang).format(count)
  }

  openPhase(phase: Count): Promise<void> {
    return openList(this.action, "tenants", { phase: phase.name })
  }

  openAll(): Promise<void> {
    return openList(this.action, "tenants", {})
  }
}
