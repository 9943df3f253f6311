import { visitAt } from "../../tests/contract/kubernetes/visit.ts"
import { until } from "../../tests/helpers/wait.ts"

/** Resolves once the login page of that host is answered with 200 by the ingress controller. */
export async function loginPageAt(ingressAddress: string, host: string, everyMs = 20): Promise<void> {
  const look = async () => (await visitAt(ingressAddress, host, "/web/login")).status === 200
  await until(`${host} answers with 200`, look, { seconds: 300, everyMs })
}
