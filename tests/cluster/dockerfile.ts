/**
 * Makes of a Dockerfile what its last stage makes, without Docker and without a registry: a layer with the files that
 * it copies, and its settings. So there is one truth about an image, and test clusters run it. What earlier stages do
 * (npm, apt) is not done again: the caller says where their files are, and which image stands for a base.
 */
import { cpSync, mkdirSync, readFileSync, statSync } from "node:fs"
import { basename, join, relative } from "node:path"
import { run } from "../../scripts/lib/commands.ts"
import { repo } from "../../scripts/lib/paths.ts"
import type { Image } from "./image-store.ts"

export interface Copy {
  /** Name of an earlier stage, or null: the project's folder. */
  readonly stage: string | null
  readonly sources: readonly string[]
  readonly to: string
}

export interface Recipe {
  /** Of the last stage: an image, or an earlier stage. */
  readonly base: string
  readonly copies: readonly Copy[]
  readonly env: Readonly<Record<string, string>>
  readonly user: string
  readonly entrypoint: readonly string[]
}

/** Throws where the last stage does what cannot be done here, such as RUN. */
export function readDockerfile(file: string): Recipe {
  const args: Record<string, string> = {}
  let recipe: Recipe = { base: "", copies: [], env: {}, user: "", entrypoint: [] }
  let strange: string[] = []
  for (const [word, rest] of instructions(readFileSync(join(repo, file), "utf8"))) {
    const filled = rest.replace(/\$\{(\w+)\}/g, (_, name: string) => args[name] ?? "")
    switch (word) {
      case "ARG":
        Object.assign(args, Object.fromEntries([filled.split("=")]))
        break
      case "FROM":
        recipe = { base: filled.split(/\s+/)[0] ?? "", copies: [], env: {}, user: "", entrypoint: [] }
        strange = []
        break
      case "COPY":
        recipe = { ...recipe, copies: [...recipe.copies, copyOf(filled)] }
        break
      case "ENV":
        recipe = { ...recipe, env: { ...recipe.env, ...Object.fromEntries(filled.split(" ").map(pair)) } }
        break
      case "USER":
        recipe = { ...recipe, user: filled }
        break
      case "ENTRYPOINT":
        recipe = { ...recipe, entrypoint: JSON.parse(filled) }
        break
      default:
        strange.push(`${word} ${rest}`)
    }
  }
  if (strange.length === 0) return recipe
  throw new Error(`The last stage of ${file} does what a test cluster cannot: ${strange.join("; ")}.`)
}

export interface Surroundings {
  readonly name: string
  /** An image of this cluster that stands for the recipe's base, and what it is set to by itself. */
  readonly base: string
  readonly baseEnv: readonly string[]
  /** Where the files of earlier stages are, by the stage's name: its root. */
  readonly stages?: Readonly<Record<string, string>>
}

export function imageOf(recipe: Recipe, { name, base, baseEnv, stages = {} }: Surroundings): Image {
  const own = Object.entries(recipe.env).map((entry) => entry.join("="))
  const inherited = baseEnv.filter((line) => !(pair(line)[0] in recipe.env))
  return {
    name,
    base,
    key: `${Date.now()}`,
    fill: async (folder) => {
      for (const copy of recipe.copies) await fill(folder, copy, copy.stage === null ? repo : stages[copy.stage])
    },
    config: { Entrypoint: recipe.entrypoint, Env: [...inherited, ...own], User: recipe.user },
  }
}

/** As Docker does it: a folder's content goes to `to`, and files go into it where it ends with a slash. */
async function fill(folder: string, { stage, sources, to }: Copy, from: string | undefined): Promise<void> {
  if (from === undefined) throw new Error(`Nobody says where the files of the stage ${stage} are.`)
  const isWanted = stage === null ? notIgnored() : () => true
  for (const source of sources) {
    const path = join(from, source)
    const target = join(folder, to.endsWith("/") && !statSync(path).isDirectory() ? join(to, basename(source)) : to)
    mkdirSync(join(target, ".."), { recursive: true })
    cpSync(path, target, { recursive: true, dereference: false, filter: (one) => isWanted(relative(from, one)) })
    // The working tree may be readable for its owner only.
    await run("chmod", ["-R", "a+rX", target])
  }
}

/** By .dockerignore: each line of it is a path from the project's folder, or `**` and a name that may be anywhere. */
function notIgnored(): (path: string) => boolean {
  const patterns = readFileSync(join(repo, ".dockerignore"), "utf8").split("\n").filter(Boolean)
  const names = patterns.flatMap((pattern) => (pattern.startsWith("**/") ? [pattern.slice(3)] : []))
  return (path) => !patterns.includes(path) && !names.includes(basename(path))
}

function instructions(text: string): [string, string][] {
  const lines = text.replaceAll(/\\\n/g, " ").split("\n")
  return lines
    .filter((line) => line.trim() !== "" && !line.startsWith("#"))
    .map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1).trim()])
}

function copyOf(text: string): Copy {
  const words = text.split(/\s+/)
  const paths = words.filter((word) => !word.startsWith("--"))
  const from = words.find((word) => word.startsWith("--from="))
  const stage = from ? from.slice("--from=".length) : null
  return { stage, sources: paths.slice(0, -1), to: paths.at(-1) ?? "" }
}

function pair(text: string): [string, string] {
  const at = text.indexOf("=")
  return [text.slice(0, at), text.slice(at + 1)]
}
