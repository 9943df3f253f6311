/** Of a browser only what it hears through its websocket: what is sent to one channel. */
import { strict as assert } from "node:assert"
import type { Socket } from "node:net"
import { until } from "../helpers/wait.ts"
import { openWebsocket } from "../helpers/websocket.ts"
import type { BareOdoo } from "./bare-odoo.ts"

const channel = "what-a-test-says"

export class Browser {
  readonly #socket: Socket
  #heard = ""

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on("data", (chunk) => {
      this.#heard += chunk
    })
    // Whoever is served ends as it likes.
    socket.on("error", () => undefined)
    socket.write(frame(JSON.stringify({ event_name: "subscribe", data: { channels: [channel], last: 0 } })))
  }

  static async open({ port }: BareOdoo): Promise<Browser> {
    const { status, socket } = await openWebsocket({ address: "127.0.0.1", port })
    assert.ok(socket, `it was answered ${status}`)
    return new Browser(socket)
  }

  /** Sends it, as Odoo does, and waits until it has come. */
  async hears(bare: BareOdoo, words: string, seconds: number): Promise<void> {
    const to = JSON.stringify([bare.database, channel])
    const message = JSON.stringify({ type: "test", payload: words })
    await bare.sql(`INSERT INTO bus_bus (channel, message, create_date) VALUES ('${to}', '${message}', now())`)
    await bare.sql(`SELECT pg_notify('imbus', '[${to}]')`)
    await until(`a browser hears "${words}"`, () => this.#heard.includes(words), { seconds })
  }

  leave(): void {
    this.#socket.destroy()
  }
}

/** A text of a client's (RFC 6455), masked with zeros. */
function frame(text: string): Buffer {
  const head = Buffer.from([0x81, 0x80 | Buffer.byteLength(text), 0, 0, 0, 0])
  return Buffer.concat([head, Buffer.from(text)])
}
