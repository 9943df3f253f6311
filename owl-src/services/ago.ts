import { Component, onWillUnmount, useState, xml } from "@odoo/owl"
import { browser } from "@web/core/browser/browser"
import { formatDateTime } from "@web/core/l10n/dates"
import { user } from "@web/core/user"

export interface AgoProps {
  /** Milliseconds since 1970 by the server's clock. */
  at: number
  /** The server's clock less the browser's, in milliseconds. */
  skew: number
  /** From this age on, in milliseconds, it stands out: it should have come again long ago. */
  lateAfter?: number
  /** The words around it, with `%s` in its place: whole sentences can be translated, pieces cannot. */
  phrase?: string
  /** What is said instead of a moment that was to come and has come. */
  whenPast?: string
}

/** A moment seen from now ("3 minutes ago", "in 20 seconds"), the date and time in its tooltip. */
export class Ago extends Component<AgoProps> {
  static override template = xml`<time class="o_saas_ago" t-att-class="{ o_saas_late: late }" t-att-title="exact"><i
      t-if="late" class="fa fa-exclamation-triangle me-1" aria-hidden="true"/><t t-esc="text"/></time>`
  static override props = {
    at: Number,
    skew: Number,
    lateAfter: { type: Number, optional: true },
    phrase: { type: String, optional: true },
    whenPast: { type: String, optional: true },
  }

  private readonly clock = useState({ now: Date.now() })

  override setup(): void {
    // Seconds are counted down to what is to come; what is past grows old quietly.
    const timer = browser.setInterval(() => this.tick(), this.props.at > this.now ? 1000 : 10_000)
    onWillUnmount(() => browser.clearInterval(timer))
  }

  get text(): string {
    const { at, phrase = "%s", whenPast } = this.props
    if (whenPast !== undefined && at <= this.now) return whenPast
    const base = luxon.DateTime.fromMillis(this.now)
    const words = luxon.DateTime.fromMillis(at).setLocale(user.lang).toRelative({ base }) ?? this.exact
    return phrase.replace("%s", words)
  }

  get exact(): string {
    return formatDateTime(luxon.DateTime.fromMillis(this.props.at))
  }

  get late(): boolean {
    const { at, lateAfter } = this.props
    return lateAfter !== undefined && this.now - at >= lateAfter
  }

  /** By the server's clock. */
  private get now(): number {
    return Math.max(this.clock.now, Date.now()) + this.props.skew
  }

  private tick(): void {
    this.clock.now = Date.now()
  }
}
