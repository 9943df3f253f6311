import { Component } from "@odoo/owl"
import { formatDate } from "@web/core/l10n/dates"
import { user } from "@web/core/user"
import type { ActionService } from "@web/core/utils/hooks"
import { useService } from "@web/core/utils/hooks"
import { _t } from "../i18n.ts"
import type { Count, Trial } from "./fleet_data.ts"
import { openList, recordOf } from "./navigation.ts"

export interface SubscriptionsCardProps {
  states: readonly Count[]
  trials: readonly Trial[]
}

/** A trial that ends so soon is shown as a warning. */
const soonDays = 3

/** Subscriptions by state, and the trials whose end is near. */
export class SubscriptionsCard extends Component<SubscriptionsCardProps> {
  static override template = "saas_master.SubscriptionsCard"
  static override props = { states: Array, trials: Array }

  private action!: ActionService

  override setup(): void {
    this.action = useService("action")
  }

  get total(): number {
    return this.props.states.reduce((sum, { count }) => sum + count, 0)
  }

  number(count: number): string {
    return new Intl.NumberFormat(user.lang).format(count)
  }

  endsWhen(trial: Trial): string {
    if (trial.days_left < 0) return _t("over")
    return new Intl.RelativeTimeFormat(user.lang, { numeric: "auto" }).format(trial.days_left, "day")
  }

  endDate(trial: Trial): string {
    return formatDate(luxon.DateTime.fromISO(trial.trial_end))
  }

  isSoon(trial: Trial): boolean {
    return trial.days_left <= soonDays
  }

  open(trial: Trial): Promise<void> {
    return this.action.doAction(recordOf("saas.subscription", trial.id))
  }

  openState(state: Count): Promise<void> {
    return openList(this.action, "subscriptions", { state: state.name })
  }
}
