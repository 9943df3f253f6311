/** Which Odoo runs, and how it is called. */
import { dirname, join } from "node:path"
import { execa } from "execa"
import { provenServer } from "../../databases/programs.ts"

export interface OdooSettings {
  readonly python: string
  /** Root of an unpacked package, or "". */
  readonly home: string
  /** A start script of one's own, or "". */
  readonly bin: string
}

export interface OdooPlace {
  readonly python: string
  readonly version: string
  /** The folder that `import odoo` is found in. */
  readonly packages: string
  readonly addons: readonly string[]
}

/** A checkout has its addons beside the package, an installed Odoo inside of it, Debian's in both places. */
const question = `
import json, os, odoo.release
package = os.path.dirname(os.path.abspath(odoo.release.__file__))
packages = os.path.dirname(package)
addons = [path for path in (os.path.join(package, "addons"), os.path.join(packages, "addons")) if os.path.isdir(path)]
print(json.dumps({"version": odoo.release.version, "packages": packages, "addons": addons}))
`

/** Asks the interpreter, which alone knows where an installed Odoo is. Throws with its last words where it has none. */
export async function findOdoo({ python, home, bin }: OdooSettings): Promise<OdooPlace> {
  // A checkout is found beside its start script; beside an installed one there is nothing, and nothing is harmed.
  const beside = home ? join(home, "usr/lib/python3/dist-packages") : dirname(bin)
  // A script's own folder comes first for Python, and so it does here.
  const program = `import sys; sys.path.insert(0, ${JSON.stringify(beside)})\n${question}`
  const options = { env: baseEnvironment, extendEnv: false, cwd: "/", reject: false } as const
  const { exitCode, stdout = "", stderr, message } = await execa(python, ["-c", program], options)
  if (exitCode !== 0) {
    const reason = stderr?.trim().split("\n").pop() || message
    throw new Error(`${python} cannot load Odoo from ${home || bin} (${reason}).`)
  }
  const { version, packages, addons } = JSON.parse(stdout.trim().split("\n").pop() ?? "")
  return { python, version, packages, addons }
}

export function pythonPath({ packages }: OdooPlace): string {
  return packages
}

export function addonsPaths({ addons }: OdooPlace): readonly string[] {
  return addons
}

const baseEnvironment = {
  PATH: "/usr/local/bin:/usr/bin:/bin",
  LANG: "C.UTF-8",
  PYTHONDONTWRITEBYTECODE: "1",
  ...provenServer,
}

/** No variable of ours gets into a tenant's environment. */
export function odooEnvironment(place: OdooPlace, home: string): Record<string, string> {
  return { ...baseEnvironment, HOME: home, PYTHONPATH: pythonPath(place), PYTHONUNBUFFERED: "1" }
}
