/** The sidecar's own HTTP. Nothing here changes a tenant: a nudge only says that there may be work. */
import { chmod, rm } from "node:fs/promises"
import { createServer, type Server } from "node:http"
import type { ListenOptions } from "node:net"
import { promisify } from "node:util"
import Koa, { HttpError, type Middleware } from "koa"
import type { Logger } from "pino"
import { bearer } from "./bearer.ts"
import { type Check, readiness } from "./health.ts"
import type { Metrics } from "./metrics.ts"

export interface AppOptions {
  readonly token: string
  readonly checks: readonly Check[]
  readonly metrics: Metrics
  readonly nudge: () => void
  readonly signOn: Middleware
  readonly log: Logger
}

interface Route {
  readonly method: "GET" | "POST"
  readonly handle: Middleware
}

export function createApp(options: AppOptions): Koa {
  const { token, checks, metrics, nudge, signOn, log } = options
  const authenticated = bearer(token)
  const routes = new Map<string, Route>([
    [
      "/healthz",
      get((context) => {
        context.body = { alive: true }
      }),
    ],
    [
      "/readyz",
      get(async (context) => {
        const answer = await readiness(checks)
        context.status = answer.ready ? 200 : 503
        context.body = answer
      }),
    ],
    [
      "/metrics",
      get(async (context) => {
        context.body = await metrics.registry.metrics()
        context.type = metrics.registry.contentType
      }),
    ],
    [
      "/nudge",
      post((context, next) =>
        authenticated(context, async () => {
          nudge()
          context.status = 204
          await next()
        }),
      ),
    ],
    ["/sign-on", post((context, next) => authenticated(context, () => signOn(context, next)))],
  ])

  const app = new Koa()
  app.use(async (context, next) => {
    try {
      await next()
    } catch (error) {
      const known = error instanceof HttpError && error.expose
      if (!known) log.error({ err: error, path: context.path }, "a request failed")
      context.status = known ? error.status : 500
      context.body = { error: known ? error.message : "Something unexpected went wrong. The sidecar's log has more." }
      if (known && error.status === 413) context.set("Connection", "close")
    }
  })
  app.use(async (context, next) => {
    const route = routes.get(context.path)
    if (route === undefined) return context.throw(404, `There is nothing at ${context.path}.`)
    if (context.method !== route.method && !(context.method === "HEAD" && route.method === "GET")) {
      context.set("Allow", route.method)
      return context.throw(405, `${context.path} answers ${route.method} only.`)
    }
    await route.handle(context, next)
  })
  return app
}

export interface Listening {
  readonly port: number
  close(): Promise<void>
}

/** Port 0 takes a free one. */
export async function listen(app: Koa, host: string, port: number): Promise<Listening> {
  return await listenAt(app, { host, port }, `${host}:${port} cannot be listened on`, "Set another SIDECAR_PORT.")
}

/** Whoever may enter the folder may use the socket. One that a killed sidecar has left is replaced. */
export async function listenAtSocket(app: Koa, path: string): Promise<Listening> {
  await rm(path, { force: true })
  const listening = await listenAt(app, { path }, `There can be no socket ${path}`, "See who may write its folder.")
  await chmod(path, 0o777)
  return listening
}

async function listenAt(app: Koa, place: ListenOptions, problem: string, cure: string): Promise<Listening> {
  const server: Server = createServer(app.callback())
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(new Error(`${problem} (${error.message}). ${cure}`)))
    server.listen(place, () => {
      server.removeAllListeners("error")
      resolve()
    })
  })
  const close = promisify(server.close.bind(server))
  return {
    port: portOf(server),
    close: async () => {
      const closed = close()
      server.closeIdleConnections()
      await closed
    },
  }
}

/** 0 at a Unix socket. */
function portOf(server: Server): number {
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : 0
}

function get(handle: Middleware): Route {
  return { method: "GET", handle }
}

function post(handle: Middleware): Route {
  return { method: "POST", handle }
}
