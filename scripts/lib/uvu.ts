/** Runs uvu test files, one process each, and adds up what they report. */
import { type ChildProcess, spawn } from "node:child_process"
import { createWriteStream, mkdirSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { endAllIn } from "./ended-run.ts"
import { Installation } from "./installation.ts"
import { noOdoo } from "./odoo.ts"
import { repo } from "./paths.ts"
import { silent } from "./progress.ts"
import { rememberedSettings } from "./state-folder.ts"
import { add, failure, filesEnding, nothing, type Result, type Suite, type Surroundings } from "./suite.ts"

interface UvuOptions {
  readonly name: string
  readonly folders: readonly string[]
  /** How many files at once. */
  readonly sideBySide?: number
  readonly secondsPerFile?: number
  readonly alone?: boolean
}

export function uvuSuite({ name, folders, sideBySide = 1, secondsPerFile = 900, alone = false }: UvuOptions): Suite {
  const files = folders.flatMap((folder) => filesEnding(folder, ".test.ts"))
  return {
    name,
    exists: files.length > 0,
    alone,
    async run(around) {
      const waiting = [...files]
      let total = nothing
      const worker = async () => {
        for (let file = waiting.shift(); file !== undefined && !around.signal.aborted; file = waiting.shift()) {
          around.detail(basename(file))
          const result = await runFile(file, secondsPerFile, around)
          // Read only now: others have added to it meanwhile.
          total = add(total, result)
        }
      }
      await Promise.all(Array.from({ length: sideBySide }, worker))
      return total
    },
  }
}

/** What a file may take to undo what it was about when the whole run is ended. */
const undoSeconds = 30

async function runFile(file: string, seconds: number, { logs, signal }: Surroundings): Promise<Result> {
  const log = join(logs, `${basename(file, ".test.ts")}.log`)
  // All that the test makes is below this folder, so that nothing outlives a test that dies.
  const temporary = join(tmpdir(), `odoo-saas-test-${process.pid}-${basename(file, ".test.ts").slice(0, 20)}`)
  mkdirSync(temporary, { recursive: true, mode: 0o711 })
  const child = spawn(process.execPath, ["--import", "tsx", "--import", "./scripts/lib/undo-when-ended.ts", file], {
    cwd: repo,
    // A group of its own, so that what it started itself can be ended along with it.
    detached: true,
    env: { ...process.env, TMPDIR: temporary, KEEP_LOGS: logs, FORCE_COLOR: "0", NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  })
  try {
    const { output, code } = await outcome(child, log, seconds, signal)
    return judge(file, output, code)
  } finally {
    await sweep(temporary)
  }
}

function outcome(
  child: ChildProcess,
  log: string,
  seconds: number,
  signal: AbortSignal,
): Promise<{ output: string; code: number | string }> {
  return new Promise((resolve, reject) => {
    const written = createWriteStream(log)
    let output = ""
    const take = (chunk: Buffer) => {
      output += chunk
      written.write(chunk)
    }
    child.stdout?.on("data", take)
    child.stderr?.on("data", take)
    let overdue = false
    const timer = setTimeout(() => {
      overdue = true
      endGroup(child, "SIGKILL")
    }, seconds * 1000)
    let patience: NodeJS.Timeout | undefined
    const end = () => {
      endGroup(child, "SIGTERM")
      patience = setTimeout(() => endGroup(child, "SIGKILL"), undoSeconds * 1000)
    }
    signal.addEventListener("abort", end, { once: true })
    child.on("error", reject)
    child.on("close", (code, killedBy) => {
      clearTimeout(timer)
      clearTimeout(patience)
      signal.removeEventListener("abort", end)
      written.end()
      resolve({ output, code: overdue ? `no end after ${seconds} s` : (code ?? killedBy ?? "unknown") })
    })
  })
}

function endGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error
  }
}

/** uvu ends with `Total: 3`, `Passed: 3` and `Skipped: 0`; skipped ones are not in the total. */
function judge(file: string, output: string, code: number | string): Result {
  const sum = (label: string) =>
    [...output.matchAll(new RegExp(`^\\s*${label}:\\s+(\\d+)\\s*$`, "gm"))].reduce((all, [, n]) => all + Number(n), 0)
  const total = sum("Total")
  const passed = sum("Passed")
  const skipped = sum("Skipped")
  if (total + skipped === 0) return failure(`${file} ran no test (${code}):\n${tail(output)}`)
  if (total > passed) return { passed, failed: total - passed, skipped, problems: [`${file}:\n${tail(output)}`] }
  if (code !== 0) return { passed, failed: 1, skipped, problems: [`${file} ended badly (${code}):\n${tail(output)}`] }
  return { passed, failed: 0, skipped, problems: [] }
}

function tail(output: string, lines = 60): string {
  return output.trimEnd().split("\n").slice(-lines).join("\n")
}

/** Ends what a test left behind. */
async function sweep(temporary: string): Promise<void> {
  const left = readdirSync(temporary).filter((name) => name.startsWith("saas-"))
  for (const name of left) {
    const stateDir = join(temporary, name)
    const settings = rememberedSettings(stateDir)
    if (settings) await (await Installation.open(settings, noOdoo)).stop(silent)
  }
  await endAllIn(temporary)
  rmSync(temporary, { recursive: true, force: true })
}
