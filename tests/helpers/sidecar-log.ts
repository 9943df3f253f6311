/** What a sidecar writes, read as it writes it. */
import { existsSync, readFileSync, statSync } from "node:fs"
import { until } from "./wait.ts"

export interface LogLine {
  /** 40 is a warning, 50 an error. */
  readonly level: number
  readonly msg: string
  readonly tenant?: string
  readonly step?: string
  readonly state?: string
}

export class SidecarLog {
  private readonly path: string
  private from: number

  /** Sees only what is written from now on. */
  constructor(path: string) {
    this.path = path
    this.from = existsSync(path) ? statSync(path).size : 0
  }

  lines(): LogLine[] {
    if (!existsSync(this.path)) return []
    const complete = readFileSync(this.path).subarray(this.from).toString("utf8").split("\n").slice(0, -1)
    return complete.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as LogLine)
  }

  /** Resolves within milliseconds of the end of a step of that kind. */
  stepEnded(kind: string, seconds = 120): Promise<LogLine> {
    return until(
      `the step ${kind} ends`,
      async () => this.lines().find((line) => line.step === kind && line.state === "done") ?? null,
      { seconds, everyMs: 2, seen: async () => JSON.stringify(this.lines().slice(-3)) },
    )
  }
}
