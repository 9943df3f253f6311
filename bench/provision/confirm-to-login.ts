/** From pressing Confirm to the first login page of the new Odoo, through nginx. The quotation was made before. */
import type { Session } from "../lib/benchmark.ts"
import type { Measurement } from "../lib/measurement.ts"
import { loginPage } from "./login-page.ts"
import type { World } from "./world.ts"

const rounds = 20

export async function confirmToLogin({ customers }: World, { note, signal }: Session): Promise<Measurement[]> {
  const values: number[] = []
  for (let round = 1; round <= rounds; round++) {
    signal.throwIfAborted()
    note(`${round} of ${rounds}`)
    const order = await customers.draft(`login-${round}`)
    const begun = performance.now()
    const tenant = await customers.confirm(order)
    await loginPage(tenant.url)
    values.push((performance.now() - begun) / 1000)
    await customers.suspend(tenant)
  }
  return [{ name: "confirm-to-login", unit: "s", values, atMost: { p50: 3.0, p95: 4.5 } }]
}
