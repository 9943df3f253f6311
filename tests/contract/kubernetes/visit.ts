/** HTTP as a visitor of a tenant in a cluster sends it. */
import { request as httpRequest } from "node:http"
import type { Answer } from "../../helpers/tenant.ts"
import type { Visit } from "../conformance/world.ts"

/** HTTP to the ingress controller, which knows tenants by the name of the host only; each visit has a connection of its own. */
export function visitAt(address: string, host: string, path: string, options: Visit = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { host, ...options.headers }
    const request = httpRequest(
      { host: address, port: 80, path, method: options.method ?? "GET", headers, timeout: 60_000, agent: false },
      (response) => {
        const chunks: Buffer[] = []
        response.on("data", (chunk: Buffer) => chunks.push(chunk))
        response.on("error", reject)
        response.on("end", () => {
          const body = Buffer.concat(chunks).toString("utf8")
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body })
        })
      },
    )
    request.on("timeout", () => request.destroy(new Error(`${host}${path} did not answer within a minute`)))
    request.on("error", reject)
    request.end(options.body)
  })
}
