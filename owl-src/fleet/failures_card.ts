import { Component, useState } from "@odoo/owl"
import type { ActionService, NotificationService, OrmService } from "@web/core/utils/hooks"
import { useService } from "@web/core/utils/hooks"
import { _t } from "../i18n.ts"
import { Ago } from "../services/ago.ts"
import { parseUtc } from "../services/time.ts"
import type { Operation } from "../tenant/operation.ts"
import type { FleetData } from "./fleet_data.ts"
import { openList, recordOf, subjectOf } from "./navigation.ts"

export interface FailuresCardProps {
  fleet: FleetData
  skew: number
  onRetried: () => void
}

/** What failed and waits for a person: why, and Retry. */
export class FailuresCard extends Component<FailuresCardProps> {
  static override template = "saas_master.FailuresCard"
  static components = { Ago }
  static override props = { fleet: Object, skew: Number, onRetried: Function }

  private action!: ActionService
  private orm!: OrmService
  private notification!: NotificationService
  /** Operations whose Retry is on its way. */
  readonly retrying = useState(new Set<number>())

  override setup(): void {
    this.action = useService("action")
    this.orm = useService("orm")
    this.notification = useService("notification")
  }

  get more(): number {
    return this.props.fleet.failure_count - this.props.fleet.failures.length
  }

  get moreText(): string {
    return _t("%s more", this.more)
  }

  /** Several buttons of one name are told apart by whom they are about. */
  retryLabel(operation: Operation): string {
    return _t("Retry %s", operation.subject)
  }

  stepsLabel(operation: Operation): string {
    return _t("Steps of %s", operation.subject)
  }

  /** The step at which it ended, in words. */
  failedStep(operation: Operation): string {
    const step = operation.steps.findLast(({ state }) => state === "failed")
    return step ? (this.props.fleet.step_labels[step.name] ?? step.name) : ""
  }

  endedAt(operation: Operation): number | null {
    return parseUtc(operation.ended_at)
  }

  async retry(operation: Operation): Promise<void> {
    this.retrying.add(operation.id)
    try {
      await this.orm.call("saas.fleet", "retry", [operation.id])
      this.notification.add(_t("%s is being retried.", operation.subject), { type: "success" })
      this.props.onRetried()
    } finally {
      this.retrying.delete(operation.id)
    }
  }

  openSubject(operation: Operation): Promise<void> {
    return this.action.doAction(subjectOf(operation))
  }

  openOperation(operation: Operation): Promise<void> {
    return this.action.doAction(recordOf("saas.operation", operation.id))
  }

  openAll(): Promise<void> {
    return openList(this.action, "operations", { trouble: true })
  }
}
