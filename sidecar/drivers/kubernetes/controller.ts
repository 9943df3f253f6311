/** What visitors of a host meet at the ingress controller. */
import { lookup } from "node:dns/promises"
import { request as httpRequest } from "node:http"
import { request as httpsRequest } from "node:https"
import type { Address } from "./objects/service.ts"
import { pageHeader } from "./pages.ts"

/** `status` 0: nobody answers. `page`: the mark of one of our own pages, "" for any other answer. */
export interface Seen {
  readonly status: number
  readonly page: string
}

const askMs = 5_000

/** A name with several addresses stands for as many instances of the controller. `https`: visitors come by TLS. */
export async function askEach({ host: to, port }: Address, host: string, https: boolean): Promise<Seen[]> {
  const found = await lookup(to, { all: true, family: 4 }).catch(() => [])
  if (found.length === 0) return [{ status: 0, page: "" }]
  return await Promise.all(found.map(({ address }) => ask({ host: address, port }, host, https)))
}

function ask({ host: to, port }: Address, host: string, https: boolean): Promise<Seen> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(askMs)
    const options = { host: to, port, path: "/web/health", headers: { host }, signal }
    // Where the host leads is the question; its certificate may still be on its way.
    const send = https
      ? httpsRequest({ ...options, servername: host, rejectUnauthorized: false, agent: false })
      : httpRequest(options)
    const request = send.on("response", (answer) => {
      answer.resume()
      resolve({ status: answer.statusCode ?? 0, page: String(answer.headers[pageHeader] ?? "") })
    })
    request.on("error", () => resolve({ status: 0, page: "" }))
    request.end()
  })
}
