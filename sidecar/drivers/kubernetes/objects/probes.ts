/** How a kubelet finds out whether an Odoo has started, serves and lives. */
import type { V1Container } from "@kubernetes/client-node"
import { requestSeconds } from "../../../domain/odoo-conf.ts"

/** Far more than on a machine where many start at once: one that is killed for being slow begins anew, and slower. */
export const startSeconds = 900

const healthPath = "/web/health"
/** Without the database it serves nobody. */
export const readyPath = `${healthPath}?db_server_status=1`

type Probes = Pick<V1Container, "startupProbe" | "readinessProbe" | "livenessProbe">

/** Of one that answers whatever else it does. */
export function probes(port: number): Probes {
  return {
    startupProbe: {
      httpGet: { path: healthPath, port },
      periodSeconds: 1,
      failureThreshold: startSeconds,
      timeoutSeconds: 2,
    },
    // Starting it anew would help nobody who waits for a database.
    readinessProbe: { httpGet: { path: readyPath, port }, periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 3 },
    livenessProbe: { httpGet: { path: healthPath, port }, periodSeconds: 20, timeoutSeconds: 10, failureThreshold: 6 },
  }
}

/**
 * Of workers, which answer nothing while all of them are busy. That is no reason to send visitors away, as long as
 * there is room in the queue; nor to end them before each has had its time. The database is the websockets' to ask for.
 */
export function probesOfWorkers(port: number): Probes {
  const { startupProbe, livenessProbe } = probes(port)
  const periodSeconds = 20
  return {
    ...(startupProbe ? { startupProbe } : {}),
    readinessProbe: { tcpSocket: { port }, periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 3 },
    livenessProbe: { ...livenessProbe, periodSeconds, failureThreshold: (2 * requestSeconds) / periodSeconds },
  }
}
