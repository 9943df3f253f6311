import { Component } from "@odoo/owl"
import type { ActionService } from "@web/core/utils/hooks"
import { useService } from "@web/core/utils/hooks"
import { _t } from "../i18n.ts"
import type { FirstSteps as Lacks } from "./fleet_data.ts"

export interface FirstStepsProps {
  lacks: Lacks
}

interface FirstStep {
  readonly name: string
  readonly done: boolean
  readonly title: string
  readonly help: string
  readonly button: string
  readonly open: () => Promise<void>
}

/** What to do before there is a first tenant, in order; done things are ticked off. */
export class FirstSteps extends Component<FirstStepsProps> {
  static override template = "saas_master.FirstSteps"
  static override props = { lacks: Object }

  private action!: ActionService

  override setup(): void {
    this.action = useService("action")
  }

  get steps(): readonly FirstStep[] {
    const { target_ready, plans, quotations } = this.props.lacks
    return [
      {
        name: "target",
        done: target_ready,
        title: _t("A target where tenants run"),
        help: target_ready
          ? _t("A target is connected and ready.")
          : _t("Start the sidecar. Its target appears here as soon as it is connected."),
        button: _t("Targets"),
        open: () => this.action.doAction("saas_master.saas_target_action"),
      },
      {
        name: "plan",
        done: plans > 0,
        title: _t("Create a plan"),
        help: _t("The apps, limits and price that you sell."),
        button: plans > 0 ? _t("Plans") : _t("New plan"),
        open: () => this.action.doAction("saas_master.saas_plan_action"),
      },
      {
        name: "quotation",
        done: false,
        title: _t("Confirm a quotation"),
        help:
          quotations > 0
            ? _t("A quotation with a plan is waiting. Confirm it: the customer's Odoo is running within seconds.")
            : _t(
                "Add a plan and the requested address to a quotation. Confirm it: the customer's Odoo is running within seconds.",
              ),
        button: quotations > 0 ? _t("Quotations") : _t("New quotation"),
        open: () => this.action.doAction("sale.action_quotations_with_onboarding"),
      },
    ]
  }

  /** The first thing not done yet: only its button stands out. */
  get next(): FirstStep | undefined {
    return this.steps.find(({ done }) => !done)
  }

  isNext(step: FirstStep): boolean {
    return step.name === this.next?.name
  }
}
