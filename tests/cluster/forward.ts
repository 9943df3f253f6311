/** Lends a server that listens on 127.0.0.1, or at a Unix socket, to whoever gets to neither. */
import { connect, createServer, type Socket } from "node:net"
import { pipeline } from "node:stream"

export interface Forward {
  readonly host: string
  readonly port: number
  /** Ends the connections that go through it, too. */
  close(): Promise<void>
}

/** Listens at `host`, on a port that the kernel chooses, and leads to that port of 127.0.0.1, or to that socket. */
export async function forwardTo(place: number | string, host: string): Promise<Forward> {
  const open = new Set<Socket>()
  const server = createServer((from) => {
    const to = typeof place === "string" ? connect(place) : connect(place, "127.0.0.1")
    for (const socket of [from, to]) open.add(socket.on("close", () => open.delete(socket)))
    // An end on one side, good or bad, is passed on to the other; there is nobody else to tell.
    pipeline(from, to, from, () => undefined)
  })
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, host, resolve))
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error(`${host} gives no port to listen on.`)
  return {
    host,
    port: address.port,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}
