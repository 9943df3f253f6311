/** `saas_megabytes` and `saas_cores`: whole numbers in lists, boards and on forms that only show them. */
import { Component } from "@odoo/owl"
import { registry } from "@web/core/registry"
import { user } from "@web/core/user"
import type { Record } from "@web/model/relational_model/record"
import { standardFieldProps } from "@web/views/fields/standard_field_props"
import { _t } from "../i18n.ts"
import { formatCores, formatMegabytes } from "./measure.ts"

export interface MeasureFieldProps {
  name: string
  record: Record
}

class MeasureField extends Component<MeasureFieldProps> {
  static override template = "saas_master.MeasureField"
  static override props = standardFieldProps

  format(_value: number, _lang: string): string {
    throw new Error("Each kind of measure says how it is written")
  }

  get text(): string {
    const value = this.props.record.data[this.props.name]
    return typeof value === "number" ? this.format(value, user.lang) : ""
  }
}

export class MegabytesField extends MeasureField {
  override format(value: number, lang: string): string {
    return formatMegabytes(value, lang)
  }
}

export class CoresField extends MeasureField {
  override format(value: number, lang: string): string {
    return formatCores(value, lang)
  }
}

registry.category("fields").add("saas_megabytes", {
  component: MegabytesField,
  displayName: _t("Megabytes"),
  supportedTypes: ["integer"],
})

registry.category("fields").add("saas_cores", {
  component: CoresField,
  displayName: _t("Processor cores"),
  supportedTypes: ["integer"],
})
