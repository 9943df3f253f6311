/** The first words of a browser that wants a websocket. */
import { request } from "node:http"
import type { Socket } from "node:net"

export interface Place {
  readonly address: string
  readonly port: number
  /** As visitors write it; the address where nobody leads them. */
  readonly host?: string
  /** Of the page that asks; the host's own where none is given. */
  readonly origin?: string
}

/** Resolves with the status of the answer, and the socket where it is one to talk by; whoever gets it closes it. */
export async function openWebsocket(
  place: Place,
): Promise<{ readonly status: number; readonly socket: Socket | null }> {
  const { address, port, host = `${address}:${port}`, origin = `http://${host}` } = place
  return await new Promise((resolve, reject) => {
    const headers = {
      host,
      connection: "Upgrade",
      upgrade: "websocket",
      origin,
      "sec-websocket-version": "13",
      "sec-websocket-key": Buffer.alloc(16).toString("base64"),
    }
    request({ host: address, port, path: "/websocket", headers, agent: false })
      .on("upgrade", ({ statusCode = 0 }, socket: Socket) => resolve({ status: statusCode, socket }))
      .on("response", (response) => resolve({ status: response.resume().statusCode ?? 0, socket: null }))
      .on("error", reject)
      .end()
  })
}
