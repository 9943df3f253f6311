/** An Odoo of one's own, as people have it: a checkout, and one that is installed in an environment of its own. */
import { execFileSync } from "node:child_process"
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "uvu"
import * as assert from "uvu/assert"
import { ensureOdoo, type Odoo, pythonEnv } from "../../scripts/lib/odoo.ts"
import { wrongPrograms } from "../../scripts/lib/packages.ts"
import { silent } from "../../scripts/lib/progress.ts"

const before = { ...process.env }
let folder: string
let unpacked: Odoo

test.before(async () => {
  unpacked = await ensureOdoo(silent)
})

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "odoo-bin-"))
  chmodSync(folder, 0o755)
})

test.after.each(() => {
  for (const name of ["ODOO_BIN", "ODOO_PYTHON", "PG_BIN", "NGINX_BIN"]) delete process.env[name]
  Object.assign(process.env, before)
  rmSync(folder, { recursive: true })
})

function startScript(path: string, interpreter: string): string {
  writeFileSync(path, `#!${interpreter}\nimport odoo.cli\nodoo.cli.main()\n`, { mode: 0o755 })
  return path
}

/** Where that Odoo finds these modules, as it would when it is started; links are followed, as Odoo itself does it. */
function modulesOf({ python, pythonPath, addonsPath }: Odoo, names: readonly string[]): string[] {
  const program = `
import odoo.init
from odoo.modules import module
from odoo.tools import config
config.parse_config(["--addons-path=${addonsPath.join(",")}", "--log-level=critical"])
print("\\n".join(str(module.get_module_path(name)) for name in ${JSON.stringify(names)}))`
  const output = execFileSync(python, ["-c", program], { env: pythonEnv(pythonPath), cwd: "/", encoding: "utf8" })
  return output.trim().split("\n").map(realpath)
}

const realpath = (path: string) => realpathSync(path)

test("a checkout has its addons beside it", async () => {
  mkdirSync(join(folder, "odoo/addons"), { recursive: true })
  symlinkSync(join(unpacked.pythonPath, "odoo/addons/base"), join(folder, "odoo/addons/base"))
  linkAll(join(unpacked.pythonPath, "odoo"), join(folder, "odoo"))
  symlinkSync(join(unpacked.pythonPath, "addons"), join(folder, "addons"))
  process.env.ODOO_BIN = startScript(join(folder, "odoo-bin"), "/usr/bin/env python3")
  process.env.ODOO_PYTHON = "/usr/bin/python3"
  const odoo = await ensureOdoo(silent)
  assert.is(odoo.pythonPath, folder)
  assert.equal(odoo.addonsPath, [join(folder, "odoo/addons"), join(folder, "addons")])
  assert.equal(odoo.env, { ODOO_PYTHON: "/usr/bin/python3", ODOO_BIN: join(folder, "odoo-bin") })
  assert.equal(
    modulesOf(odoo, ["base", "crm"]),
    ["odoo/addons/base", "addons/crm"].map((name) => realpath(join(folder, name))),
  )
})

test("an installed one is found where its own interpreter has it", async () => {
  // As pip puts it: the addons inside of the package, the script elsewhere.
  execFileSync("/usr/bin/python3", ["-m", "venv", "--system-site-packages", "--without-pip", folder])
  const [version = ""] = readdirSync(join(folder, "lib"))
  const packages = join(folder, "lib", version, "site-packages")
  const addons = join(packages, "odoo/addons")
  mkdirSync(addons, { recursive: true })
  linkAll(join(unpacked.pythonPath, "odoo"), join(packages, "odoo"))
  for (const from of unpacked.addonsPath) linkAll(from, addons)
  process.env.ODOO_BIN = startScript(join(folder, "bin/odoo"), join(folder, "bin/python3"))
  const odoo = await ensureOdoo(silent)
  assert.is(odoo.python, join(folder, "bin/python3"))
  assert.is(odoo.pythonPath, packages)
  assert.equal(odoo.addonsPath, [addons])
  assert.equal(
    modulesOf(odoo, ["base", "crm"]),
    ["base", "crm"].map((name) => realpath(join(addons, name))),
  )
})

test("a script without an Odoo is told so, in one sentence", async () => {
  process.env.ODOO_BIN = startScript(join(folder, "odoo-bin"), "/usr/bin/python3")
  const error = await ensureOdoo(silent).catch((reason: Error) => reason)
  assert.match(String(error), /cannot load Odoo from .*odoo-bin \(ModuleNotFoundError: No module named 'odoo'\)/)
  assert.match(String(error), /ODOO_BIN.*ODOO_PYTHON/)
})

test("programs that a person names are found, or told when they are not there", () => {
  process.env.NGINX_BIN = "/usr/bin/env"
  process.env.PG_BIN = folder
  process.env.ODOO_BIN = join(folder, "nowhere")
  assert.equal(wrongPrograms(), [
    `ODOO_BIN names ${folder}/nowhere, which is not there.`,
    `PG_BIN names ${folder}, and there is no initdb in it.`,
  ])
  process.env.NGINX_BIN = join(folder, "nginx")
  assert.match(wrongPrograms()[0] ?? "", "NGINX_BIN names")
})

/** Those that are there already stay. */
function linkAll(from: string, to: string): void {
  const there = new Set(readdirSync(to))
  for (const name of readdirSync(from)) if (!there.has(name)) symlinkSync(join(from, name), join(to, name))
}

test.run()
