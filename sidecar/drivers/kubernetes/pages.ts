/** What visitors see in place of a tenant that is not up. The ingress controller asks here only then. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { fingerprint } from "../../domain/fingerprint.ts"
import type { RouteState } from "../../domain/plan.ts"
import { pageOf, unknownHostPage } from "../../routing/pages.ts"
import type { Ingress } from "./objects/ingress.ts"
import { annotations } from "./objects/object.ts"
import type { Watched } from "./watched.ts"

/** Tells which state an answer was made of, for the router that waits until it is shown. */
export const pageHeader = "x-odoo-saas-page"

export class Pages {
  readonly #watched: Watched
  readonly #port: number
  #server: Server | null = null

  constructor(watched: Watched, port: number) {
    this.#watched = watched
    this.#port = port
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        response.writeHead(503, { "content-type": "text/plain; charset=utf-8" })
        response.end(error instanceof Error ? error.message : "This page cannot be shown right now.")
      })
    })
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(this.#port, resolve))
    this.#server = server
  }

  async close(): Promise<void> {
    const server = this.#server
    if (server === null) return
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const host = (request.headers.host ?? "").replace(/:\d+$/, "").toLowerCase()
    const { ingresses } = await this.#watched.caches()
    const found = ingresses.list().find((ingress) => hostsOf(ingress).includes(host))
    const state: RouteState = found ? routeOf(found) : { kind: "none" }
    const page = pageOf(state)
    const headers = {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      [pageHeader]: fingerprint(state),
      ...(page === null ? {} : { "retry-after": "60" }),
    }
    // Of a tenant that is up, nothing but what is shut leads here.
    response.writeHead(page === null ? 404 : 503, headers)
    response.end(request.method === "HEAD" ? "" : (page ?? unknownHostPage))
  }
}

export function hostsOf({ spec }: Ingress): string[] {
  return (spec.rules ?? []).flatMap(({ host }) => (host ? [host] : []))
}

export function routeOf({ metadata }: Ingress): RouteState {
  const text = metadata.annotations?.[annotations.route]
  return text ? (JSON.parse(text) as RouteState) : { kind: "none" }
}
