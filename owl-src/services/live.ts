/** Keeps what is on the screen equal to the server by Odoo's bus; nothing is ever asked on a timer. */
import { onWillDestroy } from "@odoo/owl"
import { browser } from "@web/core/browser/browser"
import { useService } from "@web/core/utils/hooks"
import type { OperationMessage, TenantMessage } from "../tenant/operation.ts"
import { coalesce } from "./coalesce.ts"

/** A burst of changes (one commit often makes several) leads to one fetch. */
const refreshDelayMs = 250

export interface LiveListeners {
  /** Fetches everything anew. */
  refresh(): Promise<void>
  onOperation?(message: OperationMessage): void
  onTenant?(message: TenantMessage): void
  /** Something of the whole fleet: a brake, a target, a database server. */
  onFleet?(): void
}

export interface Live {
  refreshSoon(): void
}

/**
 * To be called before the first fetch, so that no change falls between the two. What was said while the socket was
 * down may be lost, therefore everything is fetched whenever it stands (again).
 */
export function useLive(listeners: LiveListeners): Live {
  const bus = useService("bus_service")
  const refresh = coalesce(() => listeners.refresh(), refreshDelayMs, browser)
  const onOperation = (message: OperationMessage) => listeners.onOperation?.(message)
  const onTenant = (message: TenantMessage) => listeners.onTenant?.(message)
  const onFleet = () => listeners.onFleet?.()
  const onConnected = () => refresh.soon()

  bus.subscribe("saas.operation/changed", onOperation)
  bus.subscribe("saas.tenant/changed", onTenant)
  bus.subscribe("saas.fleet/changed", onFleet)
  bus.addEventListener("BUS:CONNECT", onConnected)
  bus.addEventListener("BUS:RECONNECT", onConnected)
  void bus.start()

  onWillDestroy(() => {
    refresh.stop()
    bus.unsubscribe("saas.operation/changed", onOperation)
    bus.unsubscribe("saas.tenant/changed", onTenant)
    bus.unsubscribe("saas.fleet/changed", onFleet)
    bus.removeEventListener("BUS:CONNECT", onConnected)
    bus.removeEventListener("BUS:RECONNECT", onConnected)
  })
  return { refreshSoon: () => refresh.soon() }
}
