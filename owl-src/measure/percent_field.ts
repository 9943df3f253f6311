/** `saas_percent`: how full something is, as a bar whose colour follows the number; see `fullness.ts` for the levels. */
import { Component } from "@odoo/owl"
import { registry } from "@web/core/registry"
import { user } from "@web/core/user"
import type { Record } from "@web/model/relational_model/record"
import { standardFieldProps } from "@web/views/fields/standard_field_props"
import { levelOf } from "../fleet/fullness.ts"
import { _t } from "../i18n.ts"

export interface PercentFieldProps {
  name: string
  record: Record
}

export class PercentField extends Component<PercentFieldProps> {
  static override template = "saas_master.PercentField"
  static override props = standardFieldProps

  get percent(): number {
    const value = this.props.record.data[this.props.name]
    return typeof value === "number" ? value : 0
  }

  get level(): string {
    return levelOf({ used: this.percent, of: 100 })
  }

  get shown(): number {
    return Math.min(100, Math.round(this.percent))
  }

  get text(): string {
    return new Intl.NumberFormat(user.lang, { style: "percent", maximumFractionDigits: 0 }).format(this.percent / 100)
  }
}

registry.category("fields").add("saas_percent", {
  component: PercentField,
  displayName: _t("Percentage"),
  supportedTypes: ["float"],
})
