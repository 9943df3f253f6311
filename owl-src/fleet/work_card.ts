import { Component } from "@odoo/owl"
import type { ActionService } from "@web/core/utils/hooks"
import { useService } from "@web/core/utils/hooks"
import { _t } from "../i18n.ts"
import { Ago } from "../services/ago.ts"
import { Elapsed } from "../services/elapsed.ts"
import { parseUtc } from "../services/time.ts"
import type { Operation, OperationStep } from "../tenant/operation.ts"
import { currentStep } from "../tenant/operation.ts"
import type { FleetData } from "./fleet_data.ts"
import { openList, recordOf, subjectOf } from "./navigation.ts"

export interface WorkCardProps {
  fleet: FleetData
  skew: number
}

/** What is being done at this moment, and what waits. */
export class WorkCard extends Component<WorkCardProps> {
  static override template = "saas_master.WorkCard"
  static components = { Ago, Elapsed }
  static override props = { fleet: Object, skew: Number }

  private action!: ActionService

  override setup(): void {
    this.action = useService("action")
  }

  stepLabel(operation: Operation): string {
    const step = currentStep(operation.steps)
    return step ? this.labelOf(step) : _t("Checking what to do")
  }

  labelOf(step: OperationStep): string {
    return this.props.fleet.step_labels[step.name] ?? step.name
  }

  since(operation: Operation): number | null {
    return parseUtc(operation.started_at)
  }

  /** When a waiting operation is tried again, if it has been tried before. */
  triedAgainAt(operation: Operation): number | null {
    const at = parseUtc(operation.not_before)
    return at !== null && at > Date.now() + this.props.skew ? at : null
  }

  attemptText(operation: Operation): string {
    return _t("attempt %s", operation.attempt)
  }

  moreText(count: number): string {
    return _t("%s more", count)
  }

  get moreRunning(): number {
    return this.props.fleet.running_count - this.props.fleet.running.length
  }

  get moreWaiting(): number {
    return this.props.fleet.waiting_count - this.props.fleet.waiting.length
  }

  openSubject(operation: Operation): Promise<void> {
    return this.action.doAction(subjectOf(operation))
  }

  openOperation(operation: Operation): Promise<void> {
    return this.action.doAction(recordOf("saas.operation", operation.id))
  }

  openAll(): Promise<void> {
    return openList(this.action, "operations", {})
  }

  openRunning(): Promise<void> {
    return openList(this.action, "operations", { running: true })
  }

  openWaiting(): Promise<void> {
    return openList(this.action, "operations", { waiting: true })
  }
}
