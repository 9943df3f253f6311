import { Component, onWillUnmount, onWillUpdateProps, useState, xml } from "@odoo/owl"
import { browser } from "@web/core/browser/browser"
import { user } from "@web/core/user"
import { formatDuration, formatTicking } from "./time.ts"

export interface ElapsedProps {
  /** Milliseconds since 1970 by the server's clock. */
  since: number
  /** When it ended; null while it goes on, and then the text grows every second. */
  until: number | null
  /** The server's clock less the browser's, in milliseconds. */
  skew: number
}

/** How long something took, or has been going on. Only this text is drawn anew every second. */
export class Elapsed extends Component<ElapsedProps> {
  static override template = xml`<span class="o_saas_elapsed text-nowrap" t-esc="text"/>`
  static override props = {
    since: Number,
    until: { type: [Number, { value: null }] },
    skew: Number,
  }

  private readonly clock = useState({ now: Date.now() })
  private timer: number | undefined

  override setup(): void {
    this.adjust(this.props)
    onWillUpdateProps((next) => this.adjust(next))
    onWillUnmount(() => browser.clearInterval(this.timer))
  }

  get text(): string {
    const { since, until, skew } = this.props
    return until === null
      ? formatTicking(this.clock.now + skew - since, user.lang)
      : formatDuration(until - since, user.lang)
  }

  private adjust(props: ElapsedProps): void {
    this.clock.now = Date.now()
    browser.clearInterval(this.timer)
    this.timer = undefined
    if (props.until === null) this.timer = browser.setInterval(() => this.tick(), 1000)
  }

  private tick(): void {
    this.clock.now = Date.now()
  }
}
