/** Runs a command to its end. Its arguments are never shown with secrets: those travel by stdin or by file. */
import { spawn } from "node:child_process"
import { createWriteStream } from "node:fs"

export interface CommandOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  /** Where both outputs go besides being returned. */
  readonly log?: string
  /** It ends what it has begun: a person's Ctrl-C is not for it. */
  readonly uninterrupted?: boolean
  /** Called with each line as it comes. */
  readonly onLine?: (line: string) => void
  /** Ends it, and what it has come to by then is answered. */
  readonly signal?: AbortSignal
}

export interface CommandResult {
  readonly code: number
  readonly output: string
  readonly stdout: string
}

export class CommandFailed extends Error {
  override readonly name = "CommandFailed"
}

/** Resolves whatever the exit code is; a command that does not exist has code 127. */
export function tryRun(command: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ["pipe", "pipe", "pipe"],
      detached: options.uninterrupted ?? false,
    })
    const log = options.log === undefined ? null : createWriteStream(options.log, { flags: "a" })
    let output = ""
    let stdout = ""
    let rest = ""
    const take = (chunk: string) => {
      output += chunk
      log?.write(chunk)
      if (!options.onLine) return
      const lines = (rest + chunk).split("\n")
      rest = lines.pop() ?? ""
      for (const line of lines) options.onLine(line)
    }
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      stdout += chunk
      take(chunk)
    })
    child.stderr.setEncoding("utf8").on("data", take)
    const end = () => child.kill("SIGTERM")
    options.signal?.addEventListener("abort", end, { once: true })
    // A child that ends before it has read its input is judged by its exit code.
    child.stdin.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") reject(error)
    })
    child.stdin.end(options.input ?? "")
    child.on("error", (error: NodeJS.ErrnoException) => {
      log?.end()
      if (error.code === "ENOENT") resolve({ code: 127, output: `${command}: not found`, stdout: "" })
      else reject(error)
    })
    child.on("close", (code, signal) => {
      options.signal?.removeEventListener("abort", end)
      log?.end()
      resolve({ code: code ?? 128, output: signal ? `${output}\nended by ${signal}` : output, stdout })
    })
  })
}

/** Throws `CommandFailed` with the last lines of the output unless the command exits with 0. */
export async function run(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await tryRun(command, args, options)
  if (result.code === 0) return result.stdout
  const tail = result.output.trim().split("\n").slice(-40).join("\n")
  const more = options.log === undefined ? "" : `\nAll of it: ${options.log}`
  throw new CommandFailed(`${[command, ...args].join(" ")} ended with ${result.code}:\n${tail}${more}`)
}
