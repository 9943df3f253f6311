/** `npm run bench -- NAME [PART…] [--json]`: sets up what a benchmark needs and runs it. */
import { benchmarks } from "../bench/benchmarks.ts"
import { runBenchmark } from "../bench/lib/run.ts"
import { buildOwl } from "./build-owl.ts"
import { ensureOdoo } from "./lib/odoo.ts"
import { ensurePackages } from "./lib/packages.ts"
import { showProgress } from "./lib/progress.ts"

const given = process.argv.slice(2)
const [name = "", ...only] = given.filter((word) => word !== "--json")
const benchmark = benchmarks.find((one) => one.name === name)
if (!benchmark) {
  const names = benchmarks.map((one) => one.name).join(", ")
  console.error(`Name a benchmark: npm run bench -- NAME. There are: ${names}`)
  process.exit(1)
}
const unknown = only.filter((part) => !benchmark.parts.includes(part))
if (unknown.length > 0) {
  console.error(`${name} has no part ${unknown.join(", ")}. It has: ${benchmark.parts.join(", ")}`)
  process.exit(1)
}
try {
  // Standard output is for the outcome.
  const progress = showProgress(process.stderr)
  await ensurePackages("test", progress)
  await ensureOdoo(progress)
  await progress("build the OWL bundles", () => buildOwl())
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
process.exit(await runBenchmark(benchmark, { only, json: given.includes("--json") }))
