/** A driver in a process of its own, as its parent sees it. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import { build } from "esbuild"
import { repo } from "../../scripts/lib/paths.ts"
import { peakMegabytes, processorSeconds } from "../provision/process-cost.ts"
import type { Order, Told } from "./driver-process.ts"

/** As small as the sidecar itself runs: what lives for a moment is collected soon. */
const flags = ["--max-semi-space-size=1"]

export class DriverChild {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** Resolves once it has opened its target. */
  static async start(program: string, env: Readonly<Record<string, string>>): Promise<DriverChild> {
    const child = spawn(process.execPath, [...flags, program], { env, stdio: ["ignore", "ignore", "inherit", "ipc"] })
    const driver = new DriverChild(child)
    await driver.#answer()
    return driver
  }

  async ask(order: Order): Promise<Told> {
    this.#child.send(order)
    return (await this.#answer()) as Told
  }

  /** The most that it ever had in memory. */
  get megabytes(): number {
    return peakMegabytes(this.#child.pid ?? 0)
  }

  get processorSeconds(): number {
    return processorSeconds(this.#child.pid ?? 0)
  }

  async end(): Promise<void> {
    const { exitCode, signalCode } = this.#child
    if (exitCode !== null || signalCode !== null) return
    const ended = once(this.#child, "exit")
    this.#child.kill("SIGKILL")
    await ended
  }

  #answer(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const over = (code: number | null) => reject(new Error(`The driver's process has ended (${code}).`))
      this.#child.once("exit", over)
      this.#child.once("message", (message) => {
        this.#child.off("exit", over)
        resolve(message)
      })
    })
  }
}

/** One JavaScript file, as the sidecar is one: what translates TypeScript would be counted as the driver's memory. */
export async function bundleDriver(): Promise<{ readonly program: string; remove(): Promise<void> }> {
  // Libraries are found from where it lies.
  mkdirSync(join(repo, "dist"), { recursive: true })
  const folder = mkdtempSync(join(repo, "dist", "bench-"))
  const program = join(folder, "driver-process.mjs")
  await build({
    entryPoints: [join(repo, "bench/kubernetes/driver-process.ts")],
    outfile: program,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "error",
  })
  return { program, remove: async () => rmSync(folder, { recursive: true, force: true }) }
}
