import { Component } from "@odoo/owl"
import { _t } from "../i18n.ts"
import type { Fullness } from "./fleet_data.ts"
import { levelOf, limited, percentOf, shared } from "./fullness.ts"

export interface FullnessBarProps {
  label: string
  fullness: Fullness
  /** How both numbers are written. */
  format: (value: number) => string
  /** Several may well have the same of it, so that no bar says how much is left. */
  shared?: boolean
}

/** How much of something is taken: a bar, the numbers, and words where it runs out. */
export class FullnessBar extends Component<FullnessBarProps> {
  static override template = "saas_master.FullnessBar"
  static override props = {
    label: String,
    fullness: Object,
    format: Function,
    shared: { type: Boolean, optional: true },
  }

  get level(): string {
    return levelOf(this.props.fullness, this.props.shared ? shared : limited)
  }

  get hasBar(): boolean {
    return this.level !== "unknown" && !this.props.shared
  }

  get percent(): number {
    return percentOf(this.props.fullness)
  }

  get shown(): number {
    return Math.min(100, this.percent)
  }

  get width(): string {
    return `width: ${this.shown}%`
  }

  get numbers(): string {
    const { fullness, format } = this.props
    return fullness.of > 0
      ? _t("%(used)s of %(all)s", { used: format(fullness.used), all: format(fullness.of) })
      : format(fullness.used)
  }

  get warning(): string {
    const { level } = this
    if (level !== "high" && level !== "full") return ""
    if (this.percent > 100) return _t("over capacity")
    return level === "full" ? _t("full") : _t("getting full")
  }
}
