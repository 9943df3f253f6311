/** What visitors see in place of a tenant that is not up. The ingress controller asks here only then. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { fingerprint } from "../../domain/fingerprint.ts"
import type { RouteState } from "../../domain/plan.ts"
import { type Language, languageOf, type PageName } from "../../routing/page-words.ts"
import { pageIn, pageOf } from "../../routing/pages.ts"
import type { Ingress } from "./objects/ingress.ts"
import { annotations } from "./objects/object.ts"
import { foreignPath, interruptedPath, startingPath, tooLargePath, tooManyPath } from "./objects/traefik.ts"
import type { Watched } from "./watched.ts"

/** Tells which state an answer was made of, for the router that waits until it is shown. */
export const pageHeader = "x-odoo-saas-page"

/** Longer than Traefik keeps a connection that rests (90 s): one that we close just as it is used again is a 502. */
const keepAliveMs = 120_000

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
    server.keepAliveTimeout = keepAliveMs
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
    const { status, page } = shown(state, request.url ?? "/")
    const language = languageOf(request.headers["accept-language"] ?? "")
    response.writeHead(status, {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      [pageHeader]: fingerprint(state),
      ...(status === 503 ? { "retry-after": "10" } : {}),
    })
    response.end(request.method === "HEAD" ? "" : textOf(language, page))
  }
}

function textOf(language: Language, page: PageName | "foreign"): string {
  // Asked for by scripts: nobody sees more of it than its status.
  return page === "foreign" ? "Another site may not listen here." : pageIn(language, page)
}

function shown(state: RouteState, path: string): { status: number; page: PageName | "foreign" } {
  const page = pageOf(state)
  // Traefik asks for these with its own request, and keeps the status that they are the page of.
  if (path === tooManyPath) return { status: 429, page: "too-many" }
  if (path === tooLargePath) return { status: 413, page: "too-large" }
  if (path === startingPath) return { status: 503, page: "starting" }
  if (path === interruptedPath) return { status: 503, page: "interrupted" }
  if (path === foreignPath) return { status: 403, page: "foreign" }
  if (page !== null) return { status: 503, page }
  if (state.kind === "none" || /database/i.test(path)) return { status: 404, page: "unknown" }
  // It is up, and yet nobody but us is there to answer: its pod is on its way.
  return { status: 503, page: "starting" }
}

export function hostsOf({ spec }: Ingress): string[] {
  return (spec.rules ?? []).flatMap(({ host }) => (host ? [host] : []))
}

export function routeOf({ metadata }: Ingress): RouteState {
  const text = metadata.annotations?.[annotations.route]
  return text ? (JSON.parse(text) as RouteState) : { kind: "none" }
}
