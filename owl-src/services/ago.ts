import { Component, onWillUnmount, useState, xml } from "@odoo/owl"
import { browser } from "@web/core/browser/browser"
import { formatDateTime } from "@web/core/l10n/dates"
import { user } from "@web/core/user"

export interface AgoProps {
  /** Milliseconds since 1970 by the server's clock. */
  at: number
  /** The server's clock less the browser's, in milliseconds. */
  skew: number
}

/** A moment seen from now ("3 minutes ago", "in 20 seconds"), the date and time in its tooltip. */
export class Ago extends Component<AgoProps> {
  static override template = xml`<time class="o_saas_ago" t-att-title="exact" t-esc="text"/>`
  static override props = { at: Number, skew: Number }

  private readonly clock = useState({ now: Date.now() })

  override setup(): void {
    const timer = browser.setInterval(() => this.tick(), 10_000)
    onWillUnmount(() => browser.clearInterval(timer))
  }

  get text(): string {
    const base = luxon.DateTime.fromMillis(Math.max(this.clock.now, Date.now()) + this.props.skew)
    return luxon.DateTime.fromMillis(this.props.at).setLocale(user.lang).toRelative({ base }) ?? this.exact
  }

  get exact(): string {
    return formatDateTime(luxon.DateTime.fromMillis(this.props.at))
  }

  private tick(): void {
    this.clock.now = Date.now()
  }
}
