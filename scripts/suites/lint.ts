/** Every rule that a program can check, each counted as one test. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { tryRun } from "../lib/commands.ts"
import { ensureLintTools } from "../lib/lint-tools.ts"
import { repo } from "../lib/paths.ts"
import { add, failure, filesEnding, nothing, type Result, type Suite, success } from "../lib/suite.ts"

interface Check {
  readonly name: string
  readonly run: (signal: AbortSignal) => Promise<Result>
}

const bin = join(repo, "node_modules/.bin")

const notOurs = [
  // Only for addons that the OCA publishes itself.
  "missing-readme",
  // A model of many sides is kept in one file a side.
  "consider-merging-classes-inherited",
  // There are few targets, servers and staff, and all of them are meant.
  "no-search-all",
  // Odoo's own wizards are extended where models are.
  "no-wizard-in-models",
].join(",")

function command(name: string, program: string, args: readonly string[]): Check {
  return {
    name,
    run: async (signal) => {
      const { code, output } = await tryRun(program, args, { cwd: repo, signal })
      return code === 0 ? success : failure(`${name}:\n${output.trim().split("\n").slice(0, 80).join("\n")}`)
    },
  }
}

/** A file that forgets it counts nothing and looks green. */
async function everyTestRuns(): Promise<Result> {
  const files = filesEnding("tests", ".test.ts").filter((file) => {
    const text = readFileSync(join(repo, file), "utf8")
    return text.includes("uvu") && !/^\s*\w+\.run\(\)/m.test(text)
  })
  return files.length === 0 ? success : failure(`these test files never call .run():\n${files.join("\n")}`)
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>>
}

/** npm leaves out what it could not fetch for other systems, and then `npm ci` refuses the whole file everywhere. */
async function lockIsComplete(): Promise<Result> {
  const { packages } = JSON.parse(readFileSync(join(repo, "package-lock.json"), "utf8")) as Lock
  const missing = Object.values(packages)
    .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
    .filter((name) => packages[`node_modules/${name}`] === undefined)
  return missing.length === 0 ? success : failure(`package-lock.json lacks: ${missing.join(", ")}`)
}

async function checks(): Promise<Check[]> {
  const python = await ensureLintTools()
  const ours = ["sidecar", "scripts", "tests", "bench", "owl-src"]
  const addons = ["addons/saas_master", "addons/saas_tenant"]
  return [
    command("TypeScript", join(bin, "tsc"), ["-p", "."]),
    command("TypeScript of owl-src", join(bin, "tsc"), ["-p", "owl-src"]),
    command("biome", join(bin, "biome"), ["ci", "--error-on-warnings", "--colors=off"]),
    command("import rules", join(bin, "depcruise"), [...ours, "--output-type", "err-long"]),
    command("ruff", join(python, "ruff"), ["check", "--no-cache", "."]),
    command("ruff's format", join(python, "ruff"), ["format", "--no-cache", "--check", "."]),
    command("pylint-odoo", join(python, "pylint"), ["--rcfile=.pylintrc", `--disable=${notOurs}`, ...addons]),
    { name: "every test file runs", run: everyTestRuns },
    { name: "the lock file is complete", run: lockIsComplete },
  ]
}

export const lint: Suite = {
  name: "lint",
  exists: true,
  async run({ detail, signal }) {
    let total = nothing
    for (const check of await checks()) {
      if (signal.aborted) break
      detail(check.name)
      total = add(total, await check.run(signal))
    }
    return total
  },
}
