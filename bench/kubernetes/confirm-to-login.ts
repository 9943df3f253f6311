/** From pressing Confirm to the first login page out of a real pod, through the ingress controller. */
import type { Session } from "../lib/benchmark.ts"
import type { Measurement } from "../lib/measurement.ts"
import { secondsToLogin } from "../provision/confirm-to-login.ts"
import { loginPageAt } from "./through-ingress.ts"
import type { World } from "./world.ts"

const rounds = 10

export async function confirmToLogin({ cluster, shop }: World, session: Session): Promise<Measurement[]> {
  const { customers } = await shop(session.note)
  const values = await secondsToLogin(customers, rounds, session, (url) =>
    loginPageAt(cluster.ingressAddress, new URL(url).hostname),
  )
  return [{ name: "confirm-to-login", unit: "s", values, atMost: { p50: 4.5 } }]
}
