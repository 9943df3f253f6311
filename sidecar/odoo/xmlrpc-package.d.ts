/** The part of the `xmlrpc` package that is used here. */
declare module "xmlrpc" {
  import type { Agent, Server as HttpServer } from "node:http"

  interface ClientOptions {
    readonly url: string
    readonly agent?: Agent
    /** Of a Unix socket, instead of host and port. Handed on to `http.request`. */
    readonly socketPath?: string
    /** Handed on to `http.request`. */
    readonly signal?: AbortSignal
  }

  interface Client {
    methodCall(method: string, params: readonly unknown[], callback: (error: unknown, value: unknown) => void): void
  }

  interface Fault {
    readonly faultCode: number
    readonly faultString: string
  }

  interface Server {
    readonly httpServer: HttpServer
    on(
      method: string,
      answer: (error: unknown, params: unknown[], reply: (fault: Fault | null, value?: unknown) => void) => void,
    ): void
  }

  const xmlrpc: {
    createClient(options: ClientOptions): Client
    createSecureClient(options: ClientOptions): Client
    createServer(options: { readonly host: string; readonly port: number }, listening: () => void): Server
  }
  // biome-ignore lint/style/noDefaultExport: that is how Node sees a CommonJS package
  export default xmlrpc
}
