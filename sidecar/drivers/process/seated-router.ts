/**
 * A tenant's route leads to its seat, so the seat is given back after the route, as the very last thing of a deletion:
 * sooner, somebody else could sit where an address still leads.
 */
import type { SeenRoute } from "../../domain/plan.ts"
import type { TenantId } from "../../domain/tenant.ts"
import type { Fence, Files, Router } from "../driver.ts"
import type { LoopbackEndpoint } from "./endpoint.ts"
import type { Places } from "./place.ts"

export class SeatedRouter implements Router<LoopbackEndpoint> {
  readonly #router: Router<LoopbackEndpoint>
  readonly #places: Places
  readonly #files: Pick<Files, "observe">
  readonly apply: Router<LoopbackEndpoint>["apply"]

  constructor(router: Router<LoopbackEndpoint>, places: Places, files: Pick<Files, "observe">) {
    this.#router = router
    this.#places = places
    this.#files = files
    this.apply = (...args) => router.apply(...args)
  }

  /** Whoever was killed after the route and before the seat has left a seat without files: there is a rest to remove. */
  async observe(tenant: TenantId): Promise<SeenRoute> {
    const route = await this.#router.observe(tenant)
    if (route.state.kind !== "none" || (await this.#places.find(tenant)) === null) return route
    return (await this.#files.observe(tenant)) === "present" ? route : { hosts: [], state: { kind: "maintenance" } }
  }

  async remove(fence: Fence): Promise<void> {
    await this.#router.remove(fence)
    await this.#places.giveBack(fence.tenant)
  }
}
