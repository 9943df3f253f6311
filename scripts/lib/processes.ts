/**
 * Servers that outlive the command that started them. A process is known by its pid and the moment it started, never
 * by the pid alone: that number may be somebody else's by now.
 */
import { spawn } from "node:child_process"
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { dirname } from "node:path"
import { startIn } from "../../sidecar/drivers/process/proc.ts"
import { asUser, type OsUser } from "./os-user.ts"
import { until } from "./until.ts"

export interface ProcessMark {
  readonly pid: number
  /** Field 22 of /proc/<pid>/stat: clock ticks between the machine's start and the process's. */
  readonly started: string
}

/** null when there is no such process, or only what is left of it for its parent to collect. */
export function startOf(pid: number): string | null {
  if (!Number.isInteger(pid) || pid <= 0) return null
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ""
    if (code === "ENOENT" || code === "ESRCH") return null
    throw error
  }
  return startIn(stat)
}

export function isAlive(mark: ProcessMark): boolean {
  return startOf(mark.pid) === mark.started
}

function signal(mark: ProcessMark, name: NodeJS.Signals): void {
  if (!isAlive(mark)) return
  try {
    process.kill(mark.pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error
  }
}

async function gone(mark: ProcessMark, seconds: number): Promise<boolean> {
  const end = performance.now() + seconds * 1000
  return until(() => (!isAlive(mark) ? true : performance.now() > end ? false : null), {
    seconds: seconds + 1,
    every: 20,
    otherwise: () => `process ${mark.pid} neither ended nor ran out of time`,
  })
}

async function killNow(mark: ProcessMark): Promise<void> {
  signal(mark, "SIGKILL")
  if (!(await gone(mark, 10))) throw new Error(`Process ${mark.pid} does not end, not even when it is killed.`)
}

/** SIGTERM, then SIGKILL when it has not ended after so many seconds. */
export async function stopProcess(mark: ProcessMark, seconds: number, name: NodeJS.Signals = "SIGTERM"): Promise<void> {
  signal(mark, name)
  if (!(await gone(mark, seconds))) await killNow(mark)
}

/** Reads `{pid, started}` out of a JSON file, whoever wrote it; null when there is none or the process is gone. */
export function readMark(file: string): ProcessMark | null {
  if (!existsSync(file)) return null
  let found: Partial<Record<"pid" | "started", unknown>>
  try {
    found = JSON.parse(readFileSync(file, "utf8"))
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
  const mark = { pid: Number(found.pid), started: String(found.started) }
  return isAlive(mark) ? mark : null
}

export interface DaemonOptions {
  readonly name: string
  /** Holds pid and start time while it runs. */
  readonly pidFile: string
  readonly log: string
  /** Makes what the command needs, each time before it is started. */
  readonly prepare?: () => Promise<void>
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly user: OsUser
  /** What it is made of: when that has changed, one that runs is out of date. */
  readonly made?: () => string
  /** null while it cannot serve; asked until it answers. */
  readonly ready: () => Promise<true | null>
  readonly readySeconds: number
}

export class Daemon {
  readonly options: DaemonOptions
  /** Where the words of the process that we have started begin in the log. */
  private begunAt = 0

  constructor(options: DaemonOptions) {
    this.options = options
  }

  get log(): string {
    return this.options.log
  }

  mark(): ProcessMark | null {
    return readMark(this.options.pidFile)
  }

  pid(): number | null {
    return this.mark()?.pid ?? null
  }

  /** It runs, and was started from other code or with other settings than there are now. */
  isOutdated(): boolean {
    const { pidFile, made } = this.options
    return this.mark() !== null && made !== undefined && JSON.parse(readFileSync(pidFile, "utf8")).made !== made()
  }

  /** Resolves once it serves. Does nothing but wait when it runs already. */
  async start(): Promise<void> {
    const { name, prepare, ready, readySeconds } = this.options
    if (this.mark() === null) await prepare?.()
    const mark = this.mark() ?? this.spawn()
    await until(
      async () => {
        if (!isAlive(mark)) throw new Error(`${name} ended while starting. ${this.lastWords()}`)
        return ready()
      },
      { seconds: readySeconds, otherwise: () => `${name} did not get ready in ${readySeconds} s. ${this.lastWords()}` },
    )
  }

  /** The end of its log, for a person who wants to know why. */
  lastWords(lines = 12): string {
    const said = existsSync(this.log) ? readFileSync(this.log).subarray(this.begunAt).toString("utf8").trimEnd() : ""
    if (said === "") return `It wrote nothing to its log (${this.log}).`
    return `The end of ${this.log}:\n${said.split("\n").slice(-lines).join("\n")}`
  }

  private spawn(): ProcessMark {
    const { pidFile, user, env, cwd, name } = this.options
    mkdirSync(dirname(pidFile), { recursive: true })
    mkdirSync(dirname(this.log), { recursive: true, mode: 0o711 })
    const log = openSync(this.log, "a", 0o600)
    this.begunAt = fstatSync(log).size
    const [command, args] = asUser(user, this.options.command, this.options.args)
    const child = spawn(command, args, { cwd, env, detached: true, stdio: ["ignore", log, log] })
    closeSync(log)
    child.on("error", () => undefined) // A child without a pid is reported below, with the same words.
    const started = child.pid === undefined ? null : startOf(child.pid)
    if (child.pid === undefined || started === null)
      throw new Error(`${name} cannot be started: ${command} did not run.`)
    child.unref()
    const mark = { pid: child.pid, started }
    writeFileSync(`${pidFile}.new`, JSON.stringify({ ...mark, made: this.options.made?.() }), { mode: 0o600 })
    renameSync(`${pidFile}.new`, pidFile)
    return mark
  }

  async stop(seconds = 20): Promise<void> {
    const mark = this.mark()
    if (mark) await stopProcess(mark, seconds)
    rmSync(this.options.pidFile, { force: true })
  }

  async kill(): Promise<void> {
    const mark = this.mark()
    if (mark) await killNow(mark)
    rmSync(this.options.pidFile, { force: true })
  }
}
