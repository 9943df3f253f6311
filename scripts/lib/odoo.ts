/** An Odoo 19: the one that `ODOO_BIN` names, else Debian's own package, unpacked into the cache and never installed. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { dirname, join, resolve } from "node:path"
import { addonsPaths, findOdoo, type OdooSettings, pythonPath } from "../../sidecar/drivers/process/odoo.ts"
import { run } from "./commands.ts"
import { undoable } from "./interrupts.ts"
import { isRoot } from "./os-user.ts"
import { ToDo } from "./packages.ts"
import { cacheFolder, closedParent, findProgram, repo } from "./paths.ts"
import type { Progress } from "./progress.ts"
import { removeStale } from "./snapshots.ts"

export interface Odoo {
  readonly version: string
  readonly python: string
  /** Put in front of Python's own search path. */
  readonly pythonPath: string
  readonly addonsPath: readonly string[]
  /** How the sidecar is told of it. */
  readonly env: Readonly<Record<string, string>>
}

/** For those who only stop what runs. */
export const noOdoo: Odoo = { version: "", python: "", pythonPath: "", addonsPath: [], env: {} }

const packageName = "odoo-19"
const series = "19.0"

/** Raise it when `finish` learns something new: what was unpacked before is then finished again. */
const finished = ".complete-2"

export async function ensureOdoo(progress: Progress): Promise<Odoo> {
  const bin = process.env.ODOO_BIN
  if (bin) return describe({ python: process.env.ODOO_PYTHON || interpreterOf(bin), home: "", bin: resolve(repo, bin) })
  const home = await fetchOdoo(progress)
  if (!existsSync(join(home, finished))) await progress("finish the unpacked Odoo", () => finish(home))
  return describe({ python: process.env.ODOO_PYTHON || "/usr/bin/python3", home, bin: "" })
}

/** Only that it is here: it asks nothing of the machine yet but apt, so packages can be installed meanwhile. */
export async function fetchOdoo(progress: Progress): Promise<string> {
  return unpackedOdoo() ?? (await progress("download Odoo 19", (step) => download(step.detail)))
}

/** What the first line of a start script names: an installed Odoo's is that of its own environment. */
function interpreterOf(bin: string): string {
  const [line = ""] = readFileSync(bin, "utf8").split("\n")
  const [program = "", name] = /^#!(.*)$/.exec(line)?.[1]?.trim().split(/\s+/) ?? []
  return (program.endsWith("/env") ? name : program) || "python3"
}

/** The newest one in the cache. A folder appears there complete or not at all. */
export function unpackedOdoo(): string | null {
  const folder = join(cacheFolder(), "odoo")
  if (!existsSync(folder)) return null
  const versions = readdirSync(folder).filter((name) => name.startsWith(series))
  const newest = versions.sort((a, b) => a.localeCompare(b, "en", { numeric: true })).pop()
  return newest === undefined ? null : join(folder, newest)
}

async function describe(settings: OdooSettings): Promise<Odoo> {
  // Tenants have a search path of their own, so they are told the interpreter that we mean.
  const asked = { ...settings, python: findProgram(settings.python) ?? settings.python }
  const { python, home } = asked
  const found = await findOdoo(asked).catch((error: Error) => {
    const advice = "Name your Odoo with ODOO_BIN and, where it has an interpreter of its own, that with ODOO_PYTHON."
    throw new ToDo(`${error.message} ${advice}`)
  })
  if (!found.version.startsWith(series)) {
    throw new ToDo(`ODOO_BIN names an Odoo ${found.version}; this needs ${series}. Unset it and one is fetched.`)
  }
  const closed = isRoot ? [found.packages, python].map(closedParent).find((folder) => folder !== null) : null
  if (closed) {
    throw new ToDo(
      `Odoo runs as users of its own, and ${closed} lets nobody but its owner pass. Move Odoo and its interpreter to ` +
        "where others can read them, such as /opt, or start as the user that they belong to.",
    )
  }
  return {
    version: found.version,
    python,
    pythonPath: pythonPath(found),
    addonsPath: addonsPaths(found),
    env: { ODOO_PYTHON: python, ...(home ? { ODOO_HOME: home } : { ODOO_BIN: asked.bin }) },
  }
}

export function pythonEnv(pythonPath: string): Record<string, string> {
  const PATH = process.env.PATH ?? "/usr/bin:/bin"
  return { PATH, LC_ALL: "C.UTF-8", PYTHONDONTWRITEBYTECODE: "1", PYTHONPATH: pythonPath }
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
  removeStale(cache, ".download-")
  const work = mkdtempSync(join(cache, ".download-"))
  const remove = async () => rmSync(work, { recursive: true, force: true, maxRetries: 10 })
  return undoable(remove, () => downloadTo(cache, work, detail).finally(remove))
}

async function downloadTo(cache: string, work: string, detail: (text: string) => void): Promise<string> {
  const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
  writeFileSync(join(work, "sources.list"), `deb [signed-by=${keyring}] ${await debianMirror()} sid main\n`)
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
}

/** Where this machine gets its own Debian packages from. */
export async function debianMirror(): Promise<string> {
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
