/**
 * A machine besides this one: a network of its own, reached by a link from here, where every port that is asked for
 * answers. As root.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { run } from "../../scripts/lib/commands.ts"

/** Says `ready` once it listens, and `met` for each connection. What is sent to it comes back. */
const program = `import socket, sys, threading
def echo(connection):
    try:
        while data := connection.recv(1): connection.sendall(data)
    except ConnectionResetError: pass
def serve(listener):
    while True:
        connection, _ = listener.accept()
        print("met", flush=True)
        threading.Thread(target=echo, args=(connection,), daemon=True).start()
def answer(datagrams):
    while True: datagrams.sendto(*datagrams.recvfrom(512))
for port in map(int, sys.argv[1:]):
    listener = socket.create_server(("", port))
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("", port))
    threading.Thread(target=answer, args=(datagrams,), daemon=True).start()
print("ready", flush=True)
sys.stdin.read()`

export class Outside {
  readonly address: string
  readonly #link: string
  readonly #process: ChildProcess
  #met = 0

  private constructor(address: string, link: string, child: ChildProcess) {
    this.address = address
    this.#link = link
    this.#process = child
  }

  /** `number`, up to 255, is nobody else's on this machine. It answers at further addresses as well. */
  static async open(number: number, ports: readonly number[], further: readonly string[] = []): Promise<Outside> {
    const [here, there] = [`198.18.${number}.1`, `198.18.${number}.2`]
    const child = spawn("unshare", ["--net", "/usr/bin/python3", "-c", program, ...ports.map(String)], {
      stdio: ["pipe", "pipe", "inherit"],
    })
    const link = `saas-out-${number}`
    const outside = new Outside(there, link, child)
    const lines = createInterface({ input: child.stdout })
    const ended = once(lines, "close").then(() => {
      throw new Error("The machine outside ended before it listened.")
    })
    await Promise.race([once(lines, "line"), ended])
    lines.on("line", () => {
      outside.#met += 1
    })
    const inside = (...args: string[]) => run("nsenter", [`--target=${child.pid}`, "--net", "--", "ip", ...args])
    try {
      await run("ip", ["link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", String(child.pid)])
      await run("ip", ["address", "add", `${here}/30`, "dev", link])
      await run("ip", ["link", "set", link, "up"])
      await inside("address", "add", `${there}/30`, "dev", "eth0")
      await inside("link", "set", "eth0", "up")
      for (const address of further) {
        await inside("address", "add", `${address}/32`, "dev", "eth0")
        await run("ip", ["route", "add", `${address}/32`, "via", there])
      }
    } catch (error) {
      await outside.close()
      throw error
    }
    return outside
  }

  /** How many connections have come through to it. */
  get met(): number {
    return this.#met
  }

  /** The link would go with the network at its other end, but only in a while. */
  async close(): Promise<void> {
    if ((await run("ip", ["-o", "link", "show"])).includes(` ${this.#link}@`)) {
      await run("ip", ["link", "delete", this.#link])
    }
    const gone = once(this.#process, "exit")
    this.#process.stdin?.end()
    await gone
  }
}
