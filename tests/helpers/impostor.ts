/**
 * A process of a tenant's user that stands in for the control plane: it listens wherever it can, answers as PostgreSQL and
 * as a web server do, asks for passwords in clear, and notes all that it is told.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { until } from "./wait.ts"

const program = `import os, socket, struct, sys, threading, time
os.setsid()
# In one go: several threads speak.
def say(*words): os.write(1, (" ".join(map(str, words)) + "\\n").encode())
def answer(connection, name):
    try:
        while data := connection.recv(65536):
            say("heard", name, data.hex())
            if data[4:8] == struct.pack("!I", 80877103): connection.sendall(b"N")
            elif data[4:6] == b"\\0\\3": connection.sendall(b"R" + struct.pack("!II", 8, 3))
            else: connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}")
    except OSError: pass
def take(place, name):
    before = ""
    while True:
        listener = socket.socket(socket.AF_UNIX if isinstance(place, str) else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(place)
            break
        except PermissionError:
            say("refused", name)
            return
        except OSError as error:
            if str(error) != before: say("waits", name, error)
            before = str(error)
            listener.close()
            time.sleep(0.01)
    listener.listen(16)
    say("has", name)
    while True: threading.Thread(target=answer, args=(listener.accept()[0], name), daemon=True).start()
for name in sys.argv[1:]:
    place = ("127.0.0.1", int(name)) if name.isdigit() else name
    threading.Thread(target=take, args=(place, name), daemon=True).start()
threading.Event().wait()`

export class Impostor {
  readonly #child: ChildProcess
  /** What it has said, a line each. */
  readonly #said: string[] = []

  /** `places`: ports of 127.0.0.1, and paths of Unix sockets. It takes each as soon as nobody has it. */
  constructor(uid: number, places: readonly (number | string)[]) {
    const become = [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--no-new-privs", "--"]
    const line = [...become, "/usr/bin/python3", "-c", program, ...places.map(String)]
    this.#child = spawn("setpriv", line, { stdio: ["ignore", "pipe", "inherit"], cwd: "/" })
    if (this.#child.stdout === null) throw new Error("It cannot be heard.")
    createInterface({ input: this.#child.stdout }).on("line", (said) => this.#said.push(said))
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Resolves once it listens there. */
  async has(place: number): Promise<void> {
    await this.#says(`has ${place}`)
  }

  /** Resolves once it was not let listen there. */
  async isRefused(place: string): Promise<void> {
    await this.#says(`refused ${place}`)
  }

  async #says(words: string): Promise<void> {
    const seen = async () => `${this.#child.exitCode ?? "it runs"}; ${this.#said.join("; ")}`
    await until(`the impostor says "${words}"`, () => this.#said.includes(words), { seen })
  }

  /** Everything that it was told, by whomever. */
  get heard(): readonly string[] {
    return this.#said
      .filter((said) => said.startsWith("heard "))
      .map((said) => {
        const [, place, hex = ""] = said.split(" ")
        return `${place}: ${Buffer.from(hex, "hex").toString("latin1")}`
      })
  }

  async end(): Promise<void> {
    const ended = once(this.#child, "exit")
    this.#child.kill("SIGKILL")
    await ended
  }
}
