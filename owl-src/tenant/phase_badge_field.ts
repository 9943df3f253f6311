import { Component } from "@odoo/owl"
import { registry } from "@web/core/registry"
import type { Record } from "@web/model/relational_model/record"
import { standardFieldProps } from "@web/views/fields/standard_field_props"
import { _t } from "../i18n.ts"
import { PhaseBadge } from "./phase_badge.ts"

export interface PhaseBadgeFieldProps {
  name: string
  record: Record
}

export class PhaseBadgeField extends Component<PhaseBadgeFieldProps> {
  static override template = "saas_master.PhaseBadgeField"
  static components = { PhaseBadge }
  static override props = standardFieldProps

  get phase(): string {
    const value = this.props.record.data[this.props.name]
    return typeof value === "string" ? value : ""
  }

  get label(): string {
    const selection = this.props.record.fields[this.props.name]?.selection ?? []
    return selection.find(([value]) => value === this.phase)?.[1] ?? this.phase
  }
}

registry.category("fields").add("saas_phase_badge", {
  component: PhaseBadgeField,
  displayName: _t("Tenant phase"),
  supportedTypes: ["selection"],
  /** Pixels: the longest phase with its icon must not be cut off. */
  listViewWidth: 150,
})
