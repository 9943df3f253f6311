/**
 * A network between a program and a server on this machine that loses everything for a while, as one does where a cable
 * is pulled: nobody is told, and what either end sends is sent again, ever more seldom. Needs root.
 */
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from "node:net"
import { run } from "../../scripts/lib/commands.ts"

export class SilentNetwork {
  readonly #server: Server
  /** Each client's connection, and that to the server on the other side. */
  readonly #pairs = new Map<Socket, Socket>()
  /** Clients' connections that the server has given up by itself, as it does with those of which it hears nothing. */
  readonly #givenUp = new Set<Socket>()
  #silent = false

  /** `socket`: path of the server's Unix socket. */
  private constructor(socket: string) {
    this.#server = createServer((near) => this.#join(near, createConnection(socket)))
  }

  static async before(socket: string): Promise<SilentNetwork> {
    const network = new SilentNetwork(socket)
    await new Promise<void>((resolve) => network.#server.listen(0, "127.0.0.1", resolve))
    return network
  }

  /** Where the server is reached through it, on 127.0.0.1. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async fallSilent(): Promise<void> {
    this.#silent = true
    const lost = `tcp dport ${this.port} drop; tcp sport ${this.port} drop`
    await run("nft", [`table inet ${this.#table} { chain lost { type filter hook input priority 0; ${lost}; }; }`])
  }

  async comeBack(): Promise<void> {
    if (!this.#silent) return
    this.#silent = false
    // The server is on this side of the network, and hears every client that is not lost.
    for (const [near, far] of this.#pairs) {
      this.#givenUp.add(near)
      far.destroy()
    }
    await run("nft", ["delete", "table", "inet", this.#table])
  }

  async close(): Promise<void> {
    await this.comeBack()
    for (const [near, far] of this.#pairs) {
      far.destroy()
      near.destroy()
    }
    await new Promise((resolve) => this.#server.close(resolve))
  }

  get #table(): string {
    return `saas_test_silence_${this.port}`
  }

  #join(near: Socket, far: Socket): void {
    this.#pairs.set(near, far)
    near.pipe(far)
    far.pipe(near)
    near.on("error", () => far.destroy())
    far.on("error", () => near.destroy())
    near.on("close", () => {
      this.#pairs.delete(near)
      far.destroy()
    })
    far.on("close", () => {
      if (!this.#givenUp.has(near)) near.destroy()
    })
  }
}
