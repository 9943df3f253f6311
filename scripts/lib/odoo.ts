/** An Odoo 19: the one that `ODOO_BIN` names, else Debian's own package, unpacked into the cache and never installed. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { dirname, join } from "node:path"
import { CommandFailed, run } from "./commands.ts"
import { isRoot } from "./os-user.ts"
import { ToDo } from "./packages.ts"
import { cacheFolder, findProgram } from "./paths.ts"
import type { Progress } from "./progress.ts"

export interface Odoo {
  readonly version: string
  readonly python: string
  /** Put in front of Python's own search path; "" when the interpreter finds Odoo by itself. */
  readonly pythonPath: string
  readonly addonsPath: readonly string[]
  /** How the sidecar is told of it. */
  readonly env: Readonly<Record<string, string>>
}

const packageName = "odoo-19"
const series = "19.0"

/** Raise it when `finish` learns something new: what was unpacked before is then finished again. */
const finished = ".complete-2"

export async function ensureOdoo(progress: Progress): Promise<Odoo> {
  const bin = process.env.ODOO_BIN
  if (bin) return describe(process.env.ODOO_PYTHON ?? "python3", dirname(bin), { ODOO_BIN: bin })
  const root = unpackedOdoo() ?? (await progress("download Odoo 19", (step) => download(step.detail)))
  if (!existsSync(join(root, finished))) await progress("finish the unpacked Odoo", () => finish(root))
  return describe(process.env.ODOO_PYTHON ?? "/usr/bin/python3", join(root, "usr/lib/python3/dist-packages"), {
    ODOO_HOME: root,
  })
}

/** The newest one in the cache. A folder appears there complete or not at all. */
export function unpackedOdoo(): string | null {
  const folder = join(cacheFolder(), "odoo")
  if (!existsSync(folder)) return null
  const versions = readdirSync(folder).filter((name) => name.startsWith(series))
  const newest = versions.sort((a, b) => a.localeCompare(b, "en", { numeric: true })).pop()
  return newest === undefined ? null : join(folder, newest)
}

const question = `
import json, os, odoo.release
print(json.dumps({"version": odoo.release.version, "root": os.path.dirname(odoo.release.__file__)}))
`

async function describe(python: string, sourceFolder: string, env: Record<string, string>): Promise<Odoo> {
  const pythonPath = existsSync(join(sourceFolder, "odoo")) ? sourceFolder : ""
  let answer: { version: string; root: string }
  try {
    const told = await run(python, ["-c", question], { env: pythonEnv(pythonPath), cwd: "/" })
    answer = JSON.parse(told.trim().split("\n").pop() ?? "")
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error
    throw new ToDo(
      `${python} cannot load Odoo from ${sourceFolder}. Name your Odoo with ODOO_BIN and, where it has an interpreter ` +
        `of its own, that with ODOO_PYTHON.\n${error.message}`,
    )
  }
  if (!answer.version.startsWith(series)) {
    throw new ToDo(`ODOO_BIN names an Odoo ${answer.version}; this needs ${series}. Unset it and one is fetched.`)
  }
  const addonsPath = [join(answer.root, "addons"), join(dirname(answer.root), "addons")].filter((path) =>
    existsSync(path),
  )
  return { version: answer.version, python, pythonPath, addonsPath, env: { ODOO_PYTHON: python, ...env } }
}

export function pythonEnv(pythonPath: string): Record<string, string> {
  const base = { PATH: process.env.PATH ?? "/usr/bin:/bin", LC_ALL: "C.UTF-8", PYTHONDONTWRITEBYTECODE: "1" }
  return pythonPath === "" ? base : { ...base, PYTHONPATH: pythonPath }
}

/**
 * Debian's package of the next release, fetched with lists of our own, so that apt checks the signatures and nothing
 * of this machine's configuration changes.
 */
async function download(detail: (text: string) => void): Promise<string> {
  if (findProgram("apt-get") === null) {
    throw new ToDo(
      "There is no Odoo here and no apt to get one with. Name an Odoo 19 of your own: ODOO_BIN=/path/odoo-bin",
    )
  }
  const cache = join(cacheFolder(), "odoo")
  mkdirSync(cache, { recursive: true, mode: 0o755 })
  const work = mkdtempSync(join(cache, ".download-"))
  try {
    const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    writeFileSync(join(work, "sources.list"), `deb [signed-by=${keyring}] ${await mirror()} sid main\n`)
    for (const folder of ["lists/partial", "archives/partial"]) mkdirSync(join(work, folder), { recursive: true })
    const options = [
      `Dir::State::lists=${work}/lists`,
      `Dir::Cache=${work}`,
      `Dir::Cache::archives=${work}/archives`,
      `Dir::Etc::sourcelist=${work}/sources.list`,
      "Dir::Etc::sourceparts=/dev/null",
      "Dir::Etc::preferencesparts=/dev/null",
      "Acquire::Languages=none",
      ...(isRoot ? ["APT::Sandbox::User=root"] : []),
    ].flatMap((option) => ["-o", option])
    const watch = { cwd: work, onLine: (line: string) => detail(line.slice(0, 60)) }
    await run("apt-get", [...options, "-q", "update"], watch)
    await run("apt-get", [...options, "-q", "download", packageName], watch)
    const deb = readdirSync(work).find((name) => name.endsWith(".deb"))
    if (deb === undefined) throw new Error(`apt-get download ${packageName} left no file behind`)
    detail("unpacking")
    const version = decodeURIComponent(deb.split("_")[1] ?? series)
    const unpacked = join(work, "root")
    await run("dpkg-deb", ["-x", join(work, deb), unpacked])
    const root = join(cache, version)
    rmSync(root, { recursive: true, force: true })
    renameSync(unpacked, root)
    return root
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Where this machine gets its own Debian packages from. */
async function mirror(): Promise<string> {
  const listed = await run("apt-get", ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"])
  const found = listed.split("\n").find((address) => address !== "" && !address.includes("security"))
  if (found) return found
  throw new ToDo(
    "apt has no Debian mirror in its configuration to get Odoo from. Name an Odoo 19 of your own: ODOO_BIN",
  )
}

/** The package leans on files elsewhere in the system, by links that lead nowhere once it is unpacked here. */
async function finish(root: string): Promise<void> {
  for (const name of ["javascript", "fonts", "fonts-font-awesome"]) {
    const link = join(root, "usr/share", name)
    if (!existsSync(link) && existsSync(join("/usr/share", name))) {
      rmSync(link, { force: true })
      symlinkSync(join("/usr/share", name), link)
    }
  }
  await run("find", [root, "-xtype", "l", "-delete"])
  // Debian leaves out this minified library, and one missing file makes the whole bundle report an error.
  const library = join(root, "usr/lib/python3/dist-packages/odoo/addons/mail/static/lib/selfie_segmentation")
  if (existsSync(dirname(library))) {
    mkdirSync(library, { recursive: true })
    const file = join(library, "selfie_segmentation.js")
    if (!existsSync(file)) writeFileSync(file, "")
  }
  // Nobody who runs it may write here, so without this every start would compile everything anew.
  const packages = join(root, "usr/lib/python3/dist-packages")
  const compile = ["-m", "compileall", "-q", "-j", "0", "-x", "/(tests|l10n_[a-z_]*)/"]
  await run("/usr/bin/python3", [...compile, join(packages, "odoo"), join(packages, "addons")])
  writeFileSync(join(root, finished), "")
}
