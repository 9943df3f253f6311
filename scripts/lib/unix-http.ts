/** HTTP to a server that listens at a Unix socket, which `fetch` knows nothing of. */
import { request } from "node:http"

export interface Question {
  readonly path: string
  /** Posted as JSON; left out: it is got. */
  readonly json?: unknown
  readonly timeoutMs: number
}

export interface Answer {
  readonly status: number
  readonly body: string
}

/** null where nobody answers, or not in time. */
export function askSocket(socketPath: string, { path, json, timeoutMs }: Question): Promise<Answer | null> {
  return new Promise((resolve, reject) => {
    const isPost = json !== undefined
    const asked = request({
      socketPath,
      path,
      method: isPost ? "POST" : "GET",
      headers: { host: "localhost", ...(isPost ? { "content-type": "application/json" } : {}) },
      agent: false,
      signal: AbortSignal.timeout(timeoutMs),
    })
    asked.on("response", (response) => {
      let body = ""
      response.setEncoding("utf8").on("data", (chunk: string) => {
        body += chunk
      })
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }))
      response.on("error", () => resolve(null))
    })
    asked.on("error", (error: NodeJS.ErrnoException) => {
      const isAway = ["ENOENT", "ECONNREFUSED", "ECONNRESET", "EPIPE", "ABORT_ERR"].includes(error.code ?? "")
      if (isAway) resolve(null)
      else reject(error)
    })
    asked.end(isPost ? JSON.stringify(json) : undefined)
  })
}
