/** Where the fleet page leads to. */
import type { ActionService, WindowAction } from "@web/core/utils/hooks"
import type { Operation } from "../tenant/operation.ts"

const lists = {
  operations: "saas_master.saas_operation_action",
  subscriptions: "saas_master.saas_subscription_action",
  tenants: "saas_master.saas_tenant_action",
} as const

/**
 * Opens the list as the menu does, with search facets that people see and can take away.
 * @param facets names of filters, or of search fields with a value
 */
export function openList(
  action: ActionService,
  list: keyof typeof lists,
  facets: Readonly<Record<string, string | boolean>>,
): Promise<void> {
  const context = Object.fromEntries(Object.entries(facets).map(([name, value]) => [`search_default_${name}`, value]))
  return action.doAction(lists[list], { additionalContext: context })
}

export function recordOf(model: string, id: number): WindowAction {
  return { type: "ir.actions.act_window", res_model: model, res_id: id, views: [[false, "form"]] }
}

/** Leads to what the operation is about, where people act; its own page has the history. */
export function subjectOf(operation: Operation): WindowAction {
  if (operation.tenant_id) return recordOf("saas.tenant", operation.tenant_id)
  if (operation.template_id) return recordOf("saas.template", operation.template_id)
  if (operation.target_id) return recordOf("saas.target", operation.target_id)
  return recordOf("saas.operation", operation.id)
}
