/** So many people confirm a quotation in the same instant: how long until all of their customers can sign in? */
import { strict as assert } from "node:assert"
import { takeCensus } from "../../tests/helpers/census.ts"
import type { Session } from "../lib/benchmark.ts"
import type { Measurement } from "../lib/measurement.ts"
import { loginPage } from "./login-page.ts"
import type { World } from "./world.ts"

const count = 20

export async function burstOf20(world: World, { note }: Session): Promise<Measurement[]> {
  const { customers } = world
  const orders: number[] = []
  for (let number = 1; number <= count; number++) {
    note(`quotation ${number}`)
    orders.push(await customers.draft(`burst-${number}`))
  }
  let served = 0
  const begun = performance.now()
  const tenants = await Promise.all(
    orders.map(async (order) => {
      const tenant = await customers.confirm(order)
      // Asked more seldom than one alone: twenty who ask are work, too.
      await loginPage(tenant.url, 200)
      served += 1
      note(`${served} of ${count} are served`)
      return tenant
    }),
  )
  const seconds = (performance.now() - begun) / 1000
  for (const tenant of tenants) await customers.keep(tenant)
  await assertOneOfEach(world)
  return [{ name: "burst-of-20", unit: "s", values: [seconds], atMost: { max: 60 } }]
}

/** None twice, none missing: one database, role, process, route and folder for each that runs. */
async function assertOneOfEach({ it, customers }: World): Promise<void> {
  const running = customers.running.map(({ ref }) => ref).sort()
  const suspended = new Set(customers.suspended.map(({ ref }) => ref))
  for (const [what, refs] of Object.entries(await takeCensus(it))) {
    const found = (refs as readonly string[]).filter((ref) => !suspended.has(ref))
    assert.deepEqual(found, running, `the ${what} of the tenants that run`)
  }
}
