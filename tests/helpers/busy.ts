/** Others who want the processors of this machine, too. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"

export class BusyProcesses {
  readonly #running: readonly ChildProcess[]

  /** They end by themselves after so many seconds, should nobody end them. */
  constructor(count: number, seconds: number) {
    const program = ["-k", "1", String(seconds), "sh", "-c", "while :; do :; done"]
    this.#running = Array.from({ length: count }, () => spawn("timeout", program, { stdio: "ignore" }))
  }

  async end(): Promise<void> {
    await Promise.all(
      this.#running.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const ended = once(child, "exit")
        child.kill("SIGTERM")
        await ended
      }),
    )
  }
}
