import { Component } from "@odoo/owl"
import { _t } from "../i18n.ts"
import type { Fullness } from "./fleet_data.ts"
import { levelOf, limited, percentOf, type Scale } from "./fullness.ts"

export interface FullnessBarProps {
  label: string
  fullness: Fullness
  /** How both numbers are written. */
  format: (value: number) => string
  /** Left out: it ends where it is full. */
  scale?: Scale
}

/** How much of something is taken: a bar, the numbers, and words where it runs out. */
export class FullnessBar extends Component<FullnessBarProps> {
  static override template = "saas_master.FullnessBar"
  static override props = {
    label: String,
    fullness: Object,
    format: Function,
    scale: { type: Object, optional: true },
  }

  private get scale(): Scale {
    return this.props.scale ?? limited
  }

  get level(): string {
    return levelOf(this.props.fullness, this.scale)
  }

  get percent(): number {
    return percentOf(this.props.fullness)
  }

  /** Where more may be promised than there is, the bar is full where that has gone too far. */
  get shown(): number {
    const end = Math.max(100, this.scale.full)
    return Math.min(100, Math.round((this.percent / end) * 100))
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
    if (this.percent > 100) return level === "full" ? _t("far over capacity") : _t("over capacity")
    return level === "full" ? _t("nearly full") : _t("getting full")
  }
}
