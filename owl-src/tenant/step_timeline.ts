import { Component, markRaw, onWillStart, onWillUpdateProps, useState } from "@odoo/owl"
import { user } from "@web/core/user"
import type { OrmService } from "@web/core/utils/hooks"
import { useService } from "@web/core/utils/hooks"
import { _t } from "../i18n.ts"
import { Ago } from "../services/ago.ts"
import { Elapsed } from "../services/elapsed.ts"
import type { Live } from "../services/live.ts"
import { useLive } from "../services/live.ts"
import { formatDuration, parseUtc } from "../services/time.ts"
import type { Operation, OperationMessage, OperationStep, TenantMessage } from "./operation.ts"
import { currentStep, hasEnded, needsPerson, withMessage } from "./operation.ts"

/** What a timeline is about: the operation itself, or the running or last one of a tenant, template or target. */
export type TimelineModel = "saas.operation" | "saas.tenant" | "saas.template" | "saas.target"

/** Whose it is: an operation is about one of these. */
const subjects = {
  "saas.tenant": "tenant_id",
  "saas.template": "template_id",
  "saas.target": "target_id",
} as const

export interface Timeline {
  /** The server's clock, to tick by. */
  readonly now: string
  readonly step_labels: Readonly<Record<string, string>>
  readonly operation: Operation | null
  readonly can_retry: boolean
}

export interface StepTimelineProps {
  model: TimelineModel
  id: number
  /** What the page around says already of why it failed or waits: not said twice. */
  said?: string
  /** The operation's state, or the tenant's phase, address or message, is another one now. */
  onChanged?: () => void
}

interface State {
  timeline: Timeline | null
  retrying: boolean
}

/** The steps of one operation, live. */
export class StepTimeline extends Component<StepTimelineProps> {
  static override template = "saas_master.StepTimeline"
  static components = { Ago, Elapsed }
  static override props = {
    model: String,
    id: Number,
    said: { type: String, optional: true },
    onChanged: { type: Function, optional: true },
  }

  private orm!: OrmService
  private live!: Live
  readonly state = useState<State>({ timeline: null, retrying: false })
  skew = 0

  override setup(): void {
    this.orm = useService("orm")
    this.live = useLive({
      refresh: () => this.load(this.props),
      onOperation: (message) => this.onOperation(message),
      onTenant: (message) => this.onTenant(message),
    })
    onWillStart(() => this.load(this.props))
    onWillUpdateProps(async (next) => {
      if (next.id !== this.props.id || next.model !== this.props.model) await this.load(next)
    })
  }

  get operation(): Operation | null {
    return this.state.timeline?.operation ?? null
  }

  get since(): number {
    return parseUtc(this.operation?.started_at) ?? this.now
  }

  get until(): number | null {
    const operation = this.operation
    return operation && hasEnded(operation.state) ? (parseUtc(operation.ended_at) ?? this.now) : null
  }

  get attemptText(): string {
    return _t("attempt %s", this.operation?.attempt ?? 0)
  }

  /** For those who hear the page: the step under way, or how it ended. */
  get announcement(): string {
    const { operation } = this
    if (!operation) return ""
    const step = operation.state === "running" ? currentStep(operation.steps) : undefined
    return step ? this.label(step) : operation.state_label
  }

  /** When a waiting operation is tried again, if that is still to come. */
  get triedAgainAt(): number | null {
    const at = this.operation?.state === "queued" ? parseUtc(this.operation.not_before) : null
    return at !== null && at > this.now ? at : null
  }

  /** Why it failed or waits, unless the page around says so. */
  get reason(): string {
    const { message } = this.operation ?? { message: "" }
    return message === this.props.said ? "" : message
  }

  get failed(): boolean {
    return this.operation !== null && needsPerson(this.operation.state)
  }

  get canRetry(): boolean {
    return this.failed && (this.state.timeline?.can_retry ?? false)
  }

  /** What a person does about a failure, said even where the person who looks may not do it. */
  get hint(): string {
    const todo = this.state.timeline?.can_retry
      ? _t("Fix the cause above, then press Retry.")
      : _t("Once the cause above is fixed, an operator can press Retry.")
    // A tenant is what it has come to; the build of a template and a check begin with nothing each time.
    const then = this.operation?.tenant_id ? _t("Completed steps are kept.") : _t("It then starts from the beginning.")
    return `${todo} ${then}`
  }

  label(step: OperationStep): string {
    return this.state.timeline?.step_labels[step.name] ?? step.name
  }

  stateLabel(step: OperationStep): string {
    return { running: _t("In progress"), done: _t("Done"), failed: _t("Failed") }[step.state]
  }

  icon(step: OperationStep): string {
    return { running: "fa-circle-o-notch o_saas_turning", done: "fa-check", failed: "fa-times" }[step.state]
  }

  duration(step: OperationStep): string {
    return formatDuration(step.duration_ms, user.lang)
  }

  stepSince(step: OperationStep): number {
    return parseUtc(step.started_at) ?? this.now
  }

  async retry(): Promise<void> {
    this.state.retrying = true
    try {
      await this.orm.call("saas.fleet", "retry", [this.operation?.id])
      await this.load(this.props)
      this.props.onChanged?.()
    } finally {
      this.state.retrying = false
    }
  }

  private get now(): number {
    return Date.now() + this.skew
  }

  private async load({ model, id }: StepTimelineProps): Promise<void> {
    const timeline = await this.orm.call<Timeline>("saas.fleet", "get_timeline", [model, id])
    this.skew = (parseUtc(timeline.now) ?? Date.now()) - Date.now()
    this.state.timeline = markRaw(timeline)
  }

  private onOperation(message: OperationMessage): void {
    const { model, id } = this.props
    const shown = this.operation
    if (this.state.timeline && shown?.id === message.id) {
      this.state.timeline = markRaw({ ...this.state.timeline, operation: withMessage(shown, message) })
      if (shown.state !== message.state || shown.intent !== message.intent) {
        // Its words, times, the number of tries and what a person may do come with a fetch.
        this.live.refreshSoon()
        this.props.onChanged?.()
      }
      return
    }
    if (model !== "saas.operation" && message[subjects[model]] === id) this.live.refreshSoon()
  }

  private onTenant(message: TenantMessage): void {
    if (this.props.model === "saas.tenant" && message.id === this.props.id) this.props.onChanged?.()
  }
}
