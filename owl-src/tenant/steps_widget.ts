/** `saas_steps`: the live steps on a tenant's, template's, target's or operation's form, as `<widget name="saas_steps"/>`. */
import { Component, onWillDestroy } from "@odoo/owl"
import { browser } from "@web/core/browser/browser"
import { registry } from "@web/core/registry"
import type { Record } from "@web/model/relational_model/record"
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props"
import { coalesce } from "../services/coalesce.ts"
import type { TimelineModel } from "./step_timeline.ts"
import { StepTimeline } from "./step_timeline.ts"

const timelineModels: readonly string[] = [
  "saas.operation",
  "saas.tenant",
  "saas.template",
  "saas.target",
] satisfies TimelineModel[]

export interface StepsProps {
  record: Record
}

export class Steps extends Component<StepsProps> {
  static override template = "saas_master.Steps"
  static components = { StepTimeline }
  static override props = standardWidgetProps

  private readonly reload = coalesce(() => this.reloadForm(), 100, browser)

  override setup(): void {
    if (!timelineModels.includes(this.props.record.resModel)) {
      throw new Error(`saas_steps shows operations, tenants, templates and targets, not ${this.props.record.resModel}`)
    }
    onWillDestroy(() => this.reload.stop())
  }

  get said(): string {
    const { message } = this.props.record.data
    return typeof message === "string" ? message : ""
  }

  onChanged(): void {
    this.reload.soon()
  }

  /** The rest of the form tells of the phase, too; what a person is typing stays. */
  private async reloadForm(): Promise<void> {
    if (!(await this.props.record.isDirty())) await this.props.record.load()
  }
}

registry.category("view_widgets").add("saas_steps", { component: Steps })
