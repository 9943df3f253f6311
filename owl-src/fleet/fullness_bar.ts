import { Component } from "@odoo/owl"
import { _t } from "../i18n.ts"
import type { Fullness } from "./fleet_data.ts"
import { levelOf, percentOf } from "./fullness.ts"

export interface FullnessBarProps {
  label: string
  fullness: Fullness
  /** How both numbers are written. */
  format: (value: number) => string
}

/** How much of something is taken: a bar, the numbers, and words where it runs out. */
export class FullnessBar extends Component<FullnessBarProps> {
  static override template = "saas_master.FullnessBar"
  static override props = { label: String, fullness: Object, format: Function }

  get level(): string {
    return levelOf(this.props.fullness)
  }

  get percent(): number {
    return percentOf(this.props.fullness)
  }

  get width(): string {
    return `width: ${Math.min(100, this.percent)}%`
  }

  get numbers(): string {
    const { fullness, format } = this.props
    return fullness.of > 0
      ? _t("%(used)s of %(all)s", { used: format(fullness.used), all: format(fullness.of) })
      : format(fullness.used)
  }

  get warning(): string {
    if (this.percent > 100) return _t("more than there is")
    return { unknown: "", fine: "", high: _t("getting full"), full: _t("nearly full") }[levelOf(this.props.fullness)]
  }
}
