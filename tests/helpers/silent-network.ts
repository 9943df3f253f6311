/**
 * A network between a program and a server on this machine that loses everything for a while, as one does where a cable
 * is pulled: nobody is told, and what either end sends is sent again, ever more seldom. Needs root.
 */
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from "node:net"
import { run } from "../../scripts/lib/commands.ts"

export class SilentNetwork {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
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
    await run("nft", ["delete", "table", "inet", this.#table])
  }

  async close(): Promise<void> {
    await this.comeBack()
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  get #table(): string {
    return `saas_test_silence_${this.port}`
  }

  #join(near: Socket, far: Socket): void {
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one)
      one.pipe(other)
      one.on("error", () => other.destroy())
      one.on("close", () => {
        this.#sockets.delete(one)
        other.destroy()
      })
    }
  }
}
