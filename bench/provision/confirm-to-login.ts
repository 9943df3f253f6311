/** From pressing Confirm to the first login page of the new Odoo, through nginx. The quotation was made before. */
import type { Session } from "../lib/benchmark.ts"
import type { Measurement } from "../lib/measurement.ts"
import { inRounds } from "../lib/rounds.ts"
import type { Customers } from "./customers.ts"
import { loginPage } from "./login-page.ts"
import type { World } from "./world.ts"

const rounds = 20

export async function confirmToLogin({ customers }: World, session: Session): Promise<Measurement[]> {
  const values = await secondsToLogin(customers, rounds, session, loginPage)
  return [{ name: "confirm-to-login", unit: "s", values, atMost: { p50: 3.0, p95: 4.5 } }]
}

/** One a round; `loginPage` resolves once the tenant with that address shows its login page. */
export async function secondsToLogin(
  customers: Customers,
  rounds: number,
  session: Session,
  loginPage: (url: string) => Promise<unknown>,
): Promise<number[]> {
  return await inRounds(rounds, session, async (round) => {
    const order = await customers.draft(`login-${round}`)
    const begun = performance.now()
    const tenant = await customers.confirm(order)
    await loginPage(tenant.url)
    const seconds = (performance.now() - begun) / 1000
    await customers.suspend(tenant)
    return seconds
  })
}
