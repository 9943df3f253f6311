/** One request to a tenant's Odoo, past every router, on a connection of its own. */
import { request as httpRequest } from "node:http"
import type { Answer } from "./driver.ts"

const longestAnswer = 256 * 1024

export function call(
  { host, port }: { readonly host: string; readonly port: number },
  method: string,
  path: string,
  body: string,
  timeoutMs: number,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "text/plain; charset=utf-8", connection: "close" }
    const request = httpRequest(
      { host, port, method, path, headers, signal: AbortSignal.timeout(timeoutMs) },
      (answer) => {
        const chunks: Buffer[] = []
        let length = 0
        answer.on("data", (chunk: Buffer) => {
          chunks.push(chunk)
          length += chunk.length
          // Whoever runs inside decides what is answered, and must not fill our memory with it.
          if (length > longestAnswer) answer.destroy(new Error("it says far too much"))
        })
        answer.on("error", reject)
        answer.on("end", () =>
          resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") }),
        )
      },
    )
    request.on("error", reject)
    request.end(body)
  })
}
