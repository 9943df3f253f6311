/** `npm run bench -- NAME [--json …]`: sets up what a benchmark needs and runs `bench/NAME.ts`. */
import { spawnSync } from "node:child_process"
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { buildOwl } from "./build-owl.ts"
import { ensureOdoo } from "./lib/odoo.ts"
import { ensurePackages } from "./lib/packages.ts"
import { repo } from "./lib/paths.ts"
import { showProgress } from "./lib/progress.ts"

const [name = "", ...options] = process.argv.slice(2)
const script = join(repo, "bench", `${name}.ts`)
if (!/^[a-z-]+$/.test(name) || !existsSync(script)) {
  const there = readdirSync(join(repo, "bench")).filter((file) => file.endsWith(".ts"))
  const names = there.map((file) => file.replace(/\.ts$/, "")).join(", ")
  console.error(`Name a benchmark: npm run bench -- NAME. There are: ${names || "none yet"}`)
  process.exit(1)
}
try {
  // With --json, standard output is for the one line that programs read.
  const progress = showProgress(options.includes("--json") ? process.stderr : process.stdout)
  await ensurePackages("test", progress)
  await ensureOdoo(progress)
  await progress("build the OWL bundles", () => buildOwl())
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
const { status } = spawnSync(process.execPath, ["--import", "tsx", script, ...options], { cwd: repo, stdio: "inherit" })
process.exit(status ?? 1)
