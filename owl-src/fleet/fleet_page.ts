import { Component, markRaw, onWillStart, useState } from "@odoo/owl"
import { ConfirmationDialog } from "@web/core/confirmation_dialog/confirmation_dialog"
import { registry } from "@web/core/registry"
import type { BusService, DialogService, OrmService } from "@web/core/utils/hooks"
import { useService } from "@web/core/utils/hooks"
import { useSetupAction } from "@web/search/action_hook"
import { Layout } from "@web/search/layout"
import { standardActionServiceProps } from "@web/webclient/actions/action_service"
import { _t } from "../i18n.ts"
import type { Live } from "../services/live.ts"
import { useLive } from "../services/live.ts"
import { parseUtc } from "../services/time.ts"
import type { OperationMessage } from "../tenant/operation.ts"
import { withMessage } from "../tenant/operation.ts"
import { CapacityCard } from "./capacity_card.ts"
import { FailuresCard } from "./failures_card.ts"
import { FirstSteps } from "./first_steps.ts"
import type { FleetData } from "./fleet_data.ts"
import { PhaseOverview } from "./phase_overview.ts"
import { SubscriptionsCard } from "./subscriptions_card.ts"
import { WorkCard } from "./work_card.ts"

interface State {
  fleet: FleetData | null
}

/** The operator's first look: what runs, what is being done, what needs a person, and how full it is. */
export class FleetPage extends Component {
  static override template = "saas_master.FleetPage"
  static components = {
    CapacityCard,
    FailuresCard,
    FirstSteps,
    Layout,
    PhaseOverview,
    SubscriptionsCard,
    WorkCard,
  }
  static override props = standardActionServiceProps

  private orm!: OrmService
  private dialog!: DialogService
  private bus!: BusService
  private live!: Live
  readonly state = useState<State>({ fleet: null })
  readonly display = { controlPanel: {} }
  skew = 0

  override setup(): void {
    this.orm = useService("orm")
    this.dialog = useService("dialog")
    this.bus = useState(useService("bus_service"))
    this.live = useLive({
      refresh: () => this.load(),
      onOperation: (message) => this.onOperation(message),
      onTenant: () => this.live.refreshSoon(),
      onFleet: () => this.live.refreshSoon(),
    })
    useSetupAction()
    onWillStart(() => this.load())
  }

  /** False while the socket is down: what is shown may be old, and is fetched anew once it stands again. */
  get connected(): boolean {
    return this.bus.workerState !== "DISCONNECTED" && this.bus.workerState !== "CONNECTING"
  }

  refreshSoon(): void {
    this.live.refreshSoon()
  }

  pause(): void {
    this.dialog.add(ConfirmationDialog, {
      title: _t("Pause all operations?"),
      body: _t(
        "No new operation starts until you resume: no tenant is set up, changed, backed up or deleted. Running tenants stay available, and running operations are completed.",
      ),
      confirmLabel: _t("Pause all operations"),
      confirm: () => this.setPaused(true),
      cancel: () => undefined,
    })
  }

  resume(): Promise<void> {
    return this.setPaused(false)
  }

  confirmInstallation(): void {
    this.dialog.add(ConfirmationDialog, {
      title: _t("Is this the one?"),
      body: _t(
        "Confirm only if no other master manages these tenants. Two active masters undo each other's changes, and a master restored from an old copy undoes everything that has changed since.",
      ),
      confirmLabel: _t("This is the one"),
      confirm: async () => {
        await this.orm.call("saas.fleet", "confirm_installation", [])
        await this.load()
      },
      cancel: () => undefined,
    })
  }

  private async setPaused(paused: boolean): Promise<void> {
    await this.orm.call("saas.fleet", "set_paused", [paused])
    await this.load()
  }

  private async load(): Promise<void> {
    const fleet = await this.orm.call<FleetData>("saas.fleet", "get_fleet", [])
    this.skew = (parseUtc(fleet.now) ?? Date.now()) - Date.now()
    this.state.fleet = markRaw(fleet)
  }

  /** A step of a running operation shows at once; whatever changes lists and counts is fetched. */
  private onOperation(message: OperationMessage): void {
    const fleet = this.state.fleet
    const shown = fleet?.running.find(({ id }) => id === message.id)
    if (!fleet || !shown || message.state !== shown.state || message.intent !== shown.intent) {
      this.live.refreshSoon()
      return
    }
    const running = fleet.running.map((operation) =>
      operation === shown ? withMessage(operation, message) : operation,
    )
    this.state.fleet = markRaw({ ...fleet, running })
  }
}

registry.category("actions").add("saas_master.fleet", FleetPage)
