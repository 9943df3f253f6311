/**
 * Runs a benchmark from the making of its world to the last trace of it: progress goes to standard error, the outcome
 * to standard output.
 */
import { showProgress } from "../../scripts/lib/progress.ts"
import type { Benchmark, Session } from "./benchmark.ts"
import { CleanUp } from "./clean-up.ts"
import { type Measurement, rowOf } from "./measurement.ts"
import { table } from "./table.ts"

export interface RunOptions {
  /** Names of the parts to measure; empty for all. */
  readonly only: readonly string[]
  /** One line for programs instead of a table for people. */
  readonly json: boolean
}

const stops = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

class Stopped extends Error {
  override readonly name = "Stopped"
  readonly exitCode: number

  constructor(signal: keyof typeof stops) {
    super(`Stopped by ${signal}; everything that was started is ended and removed.`)
    this.exitCode = stops[signal]
  }
}

/** Resolves with the exit code once nothing is left of it. */
export async function runBenchmark(benchmark: Benchmark, { only, json }: RunOptions): Promise<number> {
  const stopping = new AbortController()
  for (const signal of Object.keys(stops) as (keyof typeof stops)[]) {
    // A terminal tells every process of a command by itself, so the same wish may come more than once.
    process.on(signal, () => stopping.abort(stopping.signal.reason ?? new Stopped(signal)))
  }
  const cleanUp = new CleanUp()
  try {
    const measured = await orStopped(measureAll(benchmark, only, { signal: stopping.signal, cleanUp }), stopping.signal)
    await show(() => cleanUp.run(), "remove it all")
    console.log(json ? jsonLine(benchmark.name, measured) : `\n${table(measured)}`)
    return 0
  } catch (error) {
    console.error(`\n${error instanceof Error ? error.message : error}`)
    await show(() => cleanUp.run(), "remove it all")
    return error instanceof Stopped ? error.exitCode : 1
  }
}

export function jsonLine(bench: string, measured: readonly Measurement[]): string {
  return JSON.stringify({ bench, rows: measured.map(rowOf) })
}

async function measureAll(
  benchmark: Benchmark,
  only: readonly string[],
  around: Omit<Session, "note">,
): Promise<Measurement[]> {
  const { signal } = around
  const measured: Measurement[] = []
  const parts = await show((note) => benchmark.open({ ...around, note }), "make what is measured")
  for (const part of parts.filter(({ name }) => only.length === 0 || only.includes(name))) {
    signal.throwIfAborted()
    const rows = await show((note) => part.measure({ ...around, note }), part.name)
    // What is there already is worth having when a later part goes wrong.
    for (const { name, unit, values } of rows) console.error(`      ${name}: ${inShort(values)} ${unit}`)
    measured.push(...rows)
  }
  return measured
}

function show<T>(work: (note: (text: string) => void) => Promise<T>, name: string): Promise<T> {
  return showProgress(process.stderr)(name, ({ detail }) => work(detail))
}

function inShort(values: readonly number[]): string {
  const words = values.slice(0, 20).map((value) => String(Number(value.toPrecision(4))))
  return values.length > 20 ? `${words.join(" ")} …` : words.join(" ")
}

/** What goes on after a stop has nowhere to go: its world is taken away from it. */
function orStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return Promise.race([
    work,
    new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true })
    }),
  ])
}
