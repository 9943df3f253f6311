/** When is Odoo's web client there? */
import type { BrowserContext, Page, Request } from "playwright-core"
import { until } from "../../tests/helpers/wait.ts"

/** So long no request may be under way until we believe that none is to follow. It is not counted. */
const quietMs = 500

/** The script of a shared worker: browsers tell that it is asked for, and never that it has come. */
const workerScript = "/bus/websocket_worker_bundle"

/** Watches the requests to one address from now on; websockets are no requests in this sense. */
export class WebClient {
  readonly #pending = new Set<Request>()
  #lastEnd = 0

  constructor(context: BrowserContext, url: string) {
    const isIts = (request: Request) =>
      request.url().startsWith(`${url}/`) && !request.url().startsWith(`${url}${workerScript}`)
    const end = (request: Request) => {
      if (this.#pending.delete(request)) this.#lastEnd = performance.now()
    }
    context.on("request", (request) => {
      if (isIts(request)) this.#pending.add(request)
    })
    context.on("requestfinished", end)
    context.on("requestfailed", end)
  }

  /** The moment (`performance.now()`) from which on its first action was shown and nothing was under way any more. */
  async loaded(page: Page): Promise<number> {
    await page.locator(".o_web_client .o_main_navbar").waitFor()
    await page.locator(".o_action_manager > *").first().waitFor()
    const shownAt = performance.now()
    const isQuiet = () => this.#pending.size === 0 && performance.now() - Math.max(shownAt, this.#lastEnd) > quietMs
    await until("the web client asks for nothing more", isQuiet, {
      everyMs: 20,
      seen: async () => [...this.#pending].map((request) => request.url()).join(", ") || "nothing under way",
    })
    return Math.max(shownAt, this.#lastEnd)
  }
}
