/**
 * Stands between a sidecar and the master, notes what is asked and loses answers: the master has done what it was asked,
 * and the sidecar never hears of it.
 */
import { createServer, request as httpRequest, type Server } from "node:http"
import type { AddressInfo } from "node:net"

export class DeafProxy {
  readonly #server: Server
  readonly #toLose = new Map<string, number>()
  readonly #lost: string[] = []
  readonly #calls: string[] = []

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(socketPath: string): Promise<DeafProxy> {
    const server = createServer()
    const proxy = new DeafProxy(server)
    server.on("request", (request, response) => {
      const chunks: Buffer[] = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        const body = Buffer.concat(chunks)
        const { method, url, headers } = request
        proxy.#calls.push(methodOf(body.toString("utf8")))
        const onward = httpRequest({ socketPath, method, path: url, headers }, (answer) => {
          const parts: Buffer[] = []
          answer.on("data", (part: Buffer) => parts.push(part))
          answer.on("end", () => {
            if (proxy.#loses(body.toString("utf8"), Buffer.concat(parts).toString("utf8")))
              return request.socket.destroy()
            response.writeHead(answer.statusCode ?? 502, answer.headers)
            response.end(Buffer.concat(parts))
          })
        })
        onward.on("error", () => request.socket.destroy())
        onward.end(body)
      })
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    return proxy
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** The next so many answers to that method are lost; of a claim, only those that hand out work. */
  lose(method: "claim" | "finish" | "report", times: number): void {
    this.#toLose.set(method, times)
  }

  /** Which answers were lost so far. */
  get lost(): readonly string[] {
    return this.#lost
  }

  /** Names of the methods that were called so far, in their order. */
  get calls(): readonly string[] {
    return this.#calls
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #loses(question: string, answer: string): boolean {
    const method = methodOf(question)
    const left = this.#toLose.get(method) ?? 0
    if (left === 0 || (method === "claim" && !answer.includes("epoch"))) return false
    this.#toLose.set(method, left - 1)
    this.#lost.push(method)
    return true
  }
}

/** Of `saas.control`, or of whatever else is called, such as the sign-on. */
function methodOf(question: string): string {
  const control = /saas\.control<\/string><\/value><\/param><param><value><string>(\w+)</.exec(question)
  return control?.[1] ?? /<methodName>(\w+)</.exec(question)?.[1] ?? ""
}
