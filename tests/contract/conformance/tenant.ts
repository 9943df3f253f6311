/** One tenant of the conformance suite: verbs for what a reconcile does to it. */
import type { RouteState } from "../../../sidecar/domain/plan.ts"
import type { TenantId, TenantSpec } from "../../../sidecar/domain/tenant.ts"
import type { Fence } from "../../../sidecar/drivers/driver.ts"
import type { Answer } from "../../helpers/tenant.ts"
import { until } from "../../helpers/wait.ts"
import { type Driver, fenceOf, newId, specOf, type Visit, type World } from "./world.ts"

const leaving: { readonly id: TenantId; readonly removed: Promise<Error | null> }[] = []

/** Resolves with those who have left; throws what kept one of them. */
export async function seeAllLeft(): Promise<TenantId[]> {
  const all = leaving.splice(0)
  for (const { removed } of all) {
    const error = await removed
    if (error) throw error
  }
  return all.map(({ id }) => id)
}

export class Tenant<E> {
  readonly world: World<E>
  readonly id: TenantId
  spec: TenantSpec
  epoch = 1

  constructor(world: World<E>, changes: Partial<TenantSpec> = {}) {
    this.world = world
    this.id = newId()
    this.spec = specOf(world, this.id, changes)
  }

  get fence(): Fence {
    return fenceOf(this.id, this.epoch)
  }

  get host(): string {
    return this.spec.hosts[0]?.name ?? ""
  }

  async makeDatabase(): Promise<this> {
    const { databases, target } = this.world.driver
    await databases.raise(this.fence)
    await target.servers.ensure(this.spec, this.fence)
    await databases.clone(this.spec, this.fence)
    await databases.prepare(this.spec, this.fence)
    await target.files.ensure(this.spec, this.fence)
    await databases.open(this.spec, this.fence)
    return this
  }

  async start(driver: Driver<E> = this.world.driver): Promise<void> {
    await driver.target.runtime.ensure(this.spec, this.fence)
  }

  async awaitState(state: "ready" | "stopped", seconds = 60): Promise<void> {
    const { runtime } = this.world.driver.target
    const seen = async () => JSON.stringify(await runtime.observe(this.id))
    await until(`${this.id} is ${state}`, async () => (await runtime.observe(this.id)).state === state, {
      seconds,
      seen,
    })
  }

  /** From nothing to answering visitors. */
  async make(): Promise<this> {
    await this.makeDatabase()
    await this.start()
    await this.awaitState("ready")
    await this.route({ kind: "up" })
    return this
  }

  async stop(drainSeconds = 10): Promise<void> {
    await this.world.driver.target.runtime.stop(this.fence, drainSeconds)
  }

  async route(state: RouteState, driver: Driver<E> = this.world.driver): Promise<void> {
    const { runtime, router } = driver.target
    await router.apply(this.fence, await runtime.endpoint(this.fence), this.spec.hosts, state)
  }

  /** In the order in which a deletion does it. */
  async remove(): Promise<void> {
    const { databases, target } = this.world.driver
    await target.runtime.stop(this.fence, 0)
    await databases.drop(this.spec, this.fence)
    await target.runtime.remove(this.fence)
    await target.files.remove(this.fence)
    await target.router.remove(this.fence)
  }

  /** The same while the tests go on: some targets take their time. `seeAllLeft` waits for it. */
  leave(): void {
    const removed = this.remove().then(
      () => null,
      (error: Error) => error,
    )
    leaving.push({ id: this.id, removed })
  }

  visit(path = "/web/login", options: Visit = {}): Promise<Answer> {
    return this.world.visit(this.host, path, options)
  }

  /** As the superuser, in the tenant's database. */
  async look(sql: string): Promise<Record<string, unknown>[]> {
    return (await this.world.asSuperuser(this.id, sql)).rows
  }
}
