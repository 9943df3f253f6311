/** From pressing Confirm to the first login page out of a real pod, through the ingress controller. */
import type { Session } from "../lib/benchmark.ts"
import type { Measurement } from "../lib/measurement.ts"
import { loginPageAt } from "./through-ingress.ts"
import type { World } from "./world.ts"

const rounds = 10

export async function confirmToLogin({ cluster, shop }: World, { note, signal }: Session): Promise<Measurement[]> {
  const { customers } = await shop(note)
  const values: number[] = []
  for (let round = 1; round <= rounds; round++) {
    signal.throwIfAborted()
    note(`${round} of ${rounds}`)
    const order = await customers.draft(`login-${round}`)
    const begun = performance.now()
    const tenant = await customers.confirm(order)
    await loginPageAt(cluster.ingressAddress, new URL(tenant.url).hostname)
    values.push((performance.now() - begun) / 1000)
    await customers.suspend(tenant)
  }
  return [{ name: "confirm-to-login", unit: "s", values, atMost: { p50: 4.5 } }]
}
