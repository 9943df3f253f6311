/**
 * `npm test [-- SUITE…]`: every suite, or those named. Sets up what they need, leaves a running installation alone,
 * and ends with one line that says it all.
 */
import { mkdirSync } from "node:fs"
import { availableParallelism, tmpdir } from "node:os"
import { join } from "node:path"
import { buildOwl } from "./build-owl.ts"
import { undoAll } from "./lib/interrupts.ts"
import { ensureOdoo } from "./lib/odoo.ts"
import { ensurePackages } from "./lib/packages.ts"
import { type Progress, type Step, showProgress } from "./lib/progress.ts"
import { makeRunLogs } from "./lib/run-logs.ts"
import { add, failure, nothing, type Result, type Suite } from "./lib/suite.ts"
import { uvuSuite } from "./lib/uvu.ts"
import { cluster, kubernetes } from "./suites/kubernetes.ts"
import { lint } from "./suites/lint.ts"
import { odoo } from "./suites/odoo.ts"

/** The longest first: else one of them would go on alone in the end. */
const suites: readonly Suite[] = [
  kubernetes,
  uvuSuite({ name: "faults", folders: ["tests/faults"], secondsPerFile: 1800 }),
  cluster,
  uvuSuite({ name: "contract", folders: ["tests/contract"] }),
  odoo,
  uvuSuite({
    name: "unit",
    folders: ["tests/sidecar", "tests/owl", "tests/scripts"],
    sideBySide: 2,
    secondsPerFile: 120,
  }),
  uvuSuite({ name: "e2e", folders: ["tests/e2e"] }),
  lint,
  uvuSuite({ name: "isolation", folders: ["tests/isolation"] }),
]

/** A suite keeps about one processor busy, those that wait for pods too. */
const sideBySide = Math.max(2, availableParallelism())

const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

const allLogs = join(tmpdir(), `odoo-saas-test-logs-${process.getuid?.() ?? 0}`)

function chosen(names: readonly string[]): Suite[] {
  const unknown = names.filter((name) => !suites.some((suite) => suite.name === name))
  if (unknown.length > 0) {
    throw new Error(`There is no suite ${unknown.join(", ")}. There are: ${suites.map(({ name }) => name).join(", ")}`)
  }
  if (names.length === 0) return suites.filter(({ exists }) => exists)
  return suites.filter(({ name }) => names.includes(name))
}

interface Run {
  readonly logs: string
  readonly progress: Progress
  readonly signal: AbortSignal
}

async function runSuite(suite: Suite, { logs, progress, signal }: Run): Promise<Result> {
  const folder = join(logs, suite.name)
  mkdirSync(folder)
  if (!suite.exists) return failure(`The suite ${suite.name} has no tests.`)
  const run = async ({ detail }: Step) => {
    const result = await suite.run({ logs: folder, detail, signal })
    // What was found by then is half of something.
    signal.throwIfAborted()
    return result
  }
  return progress(suite.name, run).catch((error: unknown) =>
    failure(`The suite ${suite.name} broke off: ${error instanceof Error ? error.message : error}`),
  )
}

async function runAll(wanted: readonly Suite[], run: Run): Promise<Map<Suite, Result>> {
  const results = new Map<Suite, Result>()
  const oneAfterAnother = async (waiting: Suite[]) => {
    for (let suite = waiting.shift(); suite && !run.signal.aborted; suite = waiting.shift())
      results.set(suite, await runSuite(suite, run))
  }
  const together = wanted.filter(({ alone }) => !alone)
  await Promise.all(Array.from({ length: sideBySide }, () => oneAfterAnother(together)))
  await oneAfterAnother(wanted.filter(({ alone }) => alone))
  return results
}

function show(results: ReadonlyMap<Suite, Result>, logs: string): void {
  for (const [, { problems }] of results) for (const problem of problems) console.log(`\n${problem}`)
  console.log("\nsuite        passed  failed  skipped")
  for (const [{ name }, { passed, failed, skipped }] of results) {
    const numbers = [passed, failed, skipped].map((n, at) => String(n).padStart([6, 8, 9][at] ?? 8)).join("")
    console.log(`${name.padEnd(13)}${numbers}`)
  }
  console.log(`Logs: ${logs}\n`)
}

let underWay: Promise<unknown> = Promise.resolve()

/** A terminal tells every process of a command by itself, so the same wish may come more than once. */
function endWhenTold(): AbortSignal {
  const ending = new AbortController()
  const end = async (signal: keyof typeof exitCodes) => {
    if (ending.signal.aborted) return
    console.log(`\n${signal}: what runs is ended and removed.`)
    ending.abort(new Error(`The run was ended by ${signal}.`))
    await Promise.allSettled([underWay, undoAll()])
    process.exit(exitCodes[signal])
  }
  for (const signal of Object.keys(exitCodes) as (keyof typeof exitCodes)[]) process.on(signal, () => end(signal))
  return ending.signal
}

const signal = endWhenTold()
try {
  const wanted = chosen(process.argv.slice(2))
  const progress = showProgress()
  await ensurePackages("test", progress)
  await ensureOdoo(progress)
  await progress("build the OWL bundles", () => buildOwl())
  const logs = makeRunLogs(allLogs)
  const running = runAll(wanted, { logs, progress, signal })
  underWay = running
  const results = await running
  signal.throwIfAborted()
  show(results, logs)
  const { passed, failed, skipped } = [...results.values()].reduce(add, nothing)
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
  process.exit(failed > 0 || passed === 0 ? 1 : 0)
} catch (error) {
  // What fails because of it needs no word, and it is over when all is cleaned up.
  if (!signal.aborted) {
    console.error(`\n${error instanceof Error ? error.message : error}`)
    process.exit(1)
  }
}
