/** An odoo.conf as Odoo's own parser reads it: exactly what was written, or it was not written. */
import { strict as assert } from "node:assert"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { execa } from "execa"
import fc from "fast-check"
import { suite } from "uvu"
import { ensureOdoo, pythonEnv } from "../../scripts/lib/odoo.ts"
import { silent } from "../../scripts/lib/progress.ts"
import { PermanentError } from "../../sidecar/domain/errors.ts"
import { Folders, misread, renderOptions } from "../../sidecar/domain/odoo-options.ts"

const test = suite("options of an odoo.conf")

/** Text of Odoo's own, and some that it does not know. */
const names = ["smtp_password", "smtp_user", "db_password", "from_filter", "saas_public_key", "saas_tenant"]

const reader = `
import json, logging, sys
logging.disable()
from odoo.tools.config import configmanager
read = []
for path in json.load(sys.stdin):
    manager = configmanager()
    manager._load_file_options(path)
    read.append(dict(manager._file_options))
print(json.dumps(read))
`

async function readByOdoo(texts: readonly string[]): Promise<Record<string, unknown>[]> {
  const odoo = await ensureOdoo(silent)
  const folder = mkdtempSync(join(tmpdir(), "saas-conf-"))
  try {
    const files = texts.map((text, index) => {
      const file = join(folder, `${index}.conf`)
      writeFileSync(file, text)
      return file
    })
    const { stdout } = await execa(odoo.python, ["-c", reader], {
      input: JSON.stringify(files),
      env: pythonEnv(odoo.pythonPath),
      cwd: "/",
    })
    return JSON.parse(stdout.trim().split("\n").at(-1) ?? "")
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const awkward = [
  "None",
  "none",
  "False",
  "false",
  "True",
  "",
  " ",
  "#1",
  "; x",
  "a = b",
  "[options]",
  "a: b",
  "%(x)s",
  "$HOME",
]
const pieces = fc.oneof(
  fc.constantFrom(
    ...awkward,
    "\n",
    "\r\n",
    "\t",
    "\u0000",
    "\u0085",
    "\u2028",
    "\ufeff",
    "\u00a0",
    "\ud800",
    '"',
    "'",
    "\\",
  ),
  fc.string({ unit: "binary", maxLength: 6 }),
)
const values = fc.array(pieces, { maxLength: 4 }).map((parts) => parts.join(""))

test("whatever is written is read back as it was", async () => {
  const drawn = fc.sample(values, 400).concat(awkward)
  const written = drawn.filter((value) => misread(value) === null)
  assert.ok(written.length > 100, `${written.length} of ${drawn.length} were written`)
  const wanted = written.map((_, index) =>
    Object.fromEntries(names.map((name, nth) => [name, written[(index + nth) % written.length] ?? ""])),
  )
  const found = await readByOdoo(wanted.map(renderOptions))
  assert.deepEqual(found, wanted)
})

test("what Odoo would read as something else is refused with its name, and not repeated", () => {
  for (const value of [
    "None",
    "False",
    "false",
    " x",
    "x ",
    "a\nb",
    "a\rb",
    "a\u0000",
    "x\u0085",
    "x\u3000",
    "x\udc00",
  ]) {
    assert.throws(
      () => renderOptions({ smtp_password: value }),
      (error: Error) => error instanceof PermanentError && /the option smtp_password of odoo.conf/.test(error.message),
      JSON.stringify(value),
    )
  }
  assert.throws(
    () => renderOptions({ smtp_password: " hunter2" }),
    (error: Error) => !error.message.includes("hunter2"),
  )
})

test("words of Odoo's own, numbers and folders are what they are meant to be", async () => {
  const folders = new Folders("/tmp", "/usr")
  const [read] = await readByOdoo([
    renderOptions({ list_db: false, proxy_mode: true, smtp_port: 587, data_dir: folders.paths[1] ?? "" }),
  ])
  assert.deepEqual(read, { list_db: false, proxy_mode: true, smtp_port: 587, data_dir: "/usr" })
  assert.equal(renderOptions({ addons_path: folders }), "[options]\naddons_path = /tmp,/usr\n")
  for (const path of ["/srv/$HOME", "/srv/a,b", "~/odoo"]) {
    assert.throws(() => renderOptions({ data_dir: new Folders(path) }), PermanentError, path)
  }
})

test.run()
