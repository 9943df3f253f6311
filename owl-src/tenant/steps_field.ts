/** `saas_steps`: the live steps on a tenant's, template's or operation's form, as a field widget or as a `<widget>`. */
import { Component, onWillDestroy } from "@odoo/owl"
import { browser } from "@web/core/browser/browser"
import { registry } from "@web/core/registry"
import type { Record } from "@web/model/relational_model/record"
import { standardFieldProps } from "@web/views/fields/standard_field_props"
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props"
import { _t } from "../i18n.ts"
import { coalesce } from "../services/coalesce.ts"
import type { TimelineModel } from "./step_timeline.ts"
import { StepTimeline } from "./step_timeline.ts"

const timelineModels: readonly string[] = ["saas.operation", "saas.tenant", "saas.template"] satisfies TimelineModel[]

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
      throw new Error(`saas_steps shows operations, tenants and templates, not ${this.props.record.resModel}`)
    }
    onWillDestroy(() => this.reload.stop())
  }

  onChanged(): void {
    this.reload.soon()
  }

  /** The rest of the form tells of the phase, too; what a person is typing stays. */
  private async reloadForm(): Promise<void> {
    if (!(await this.props.record.isDirty())) await this.props.record.load()
  }
}

class StepsField extends Steps {
  static override props = standardFieldProps
}

registry.category("view_widgets").add("saas_steps", { component: Steps })
registry.category("fields").add("saas_steps", {
  component: StepsField,
  displayName: _t("Live steps"),
  supportedTypes: ["one2many"],
})
