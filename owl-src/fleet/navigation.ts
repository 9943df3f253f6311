/** Where the fleet page leads to. Pure. */
import type { WindowAction } from "@web/core/utils/hooks"
import type { Operation } from "../tenant/operation.ts"

type Domain = readonly unknown[]

export function listOf(model: string, name: string, domain: Domain): WindowAction {
  return {
    type: "ir.actions.act_window",
    name,
    res_model: model,
    domain,
    views: [
      [false, "list"],
      [false, "form"],
    ],
  }
}

export function recordOf(model: string, id: number): WindowAction {
  return { type: "ir.actions.act_window", res_model: model, res_id: id, views: [[false, "form"]] }
}

export function tenantsInPhase(phase: string, label: string): WindowAction {
  return listOf("saas.tenant", label, [["phase", "=", phase]])
}

/** Leads to what the operation is about, where people act; its own page has the history. */
export function subjectOf(operation: Operation): WindowAction {
  if (operation.tenant_id) return recordOf("saas.tenant", operation.tenant_id)
  if (operation.template_id) return recordOf("saas.template", operation.template_id)
  return recordOf("saas.operation", operation.id)
}
