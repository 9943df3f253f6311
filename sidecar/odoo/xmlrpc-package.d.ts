/** The part of the `xmlrpc` package that is used here. */
declare module "xmlrpc" {
  import type { Agent } from "node:http"

  interface ClientOptions {
    readonly url: string
    readonly agent?: Agent
    /** Handed on to `http.request`. */
    readonly signal?: AbortSignal
  }

  interface Client {
    methodCall(method: string, params: readonly unknown[], callback: (error: unknown, value: unknown) => void): void
  }

  const xmlrpc: {
    createClient(options: ClientOptions): Client
    createSecureClient(options: ClientOptions): Client
  }
  // biome-ignore lint/style/noDefaultExport: that is how Node sees a CommonJS package
  export default xmlrpc
}
