import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, utimesSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "uvu"
import * as assert from "uvu/assert"
import { makeRunLogs } from "../../scripts/lib/run-logs.ts"

const folder = mkdtempSync(join(tmpdir(), "run-logs-"))
const parent = join(folder, "logs")
test.before.each(() => rmSync(parent, { recursive: true, force: true }))
test.after(() => rmSync(folder, { recursive: true }))

test("two runs at once have folders of their own, and the last one is found without its name", () => {
  const first = makeRunLogs(parent)
  const second = makeRunLogs(parent)
  assert.is.not(first, second)
  assert.ok(existsSync(first))
  assert.is(realpathSync(join(parent, "last")), realpathSync(second))
})

test("old ones go, and none that may still be written", () => {
  const old = Array.from({ length: 12 }, (_, n) => join(parent, `20200101-0000${String(n).padStart(2, "0")}-abcdef`))
  for (const path of old) mkdirSync(path, { recursive: true })
  const long = Date.now() / 1000 - 86_400
  for (const path of old.slice(1)) utimesSync(path, long, long)
  const now = makeRunLogs(parent)
  const left = readdirSync(parent).filter((name) => name.startsWith("2020"))
  assert.ok(existsSync(now))
  assert.ok(left.includes("20200101-000000-abcdef"))
  assert.is(left.length, 10)
})

test("a link that somebody else has laid is not followed", () => {
  mkdirSync(join(folder, "elsewhere"), { recursive: true })
  symlinkSync(join(folder, "elsewhere"), parent)
  assert.throws(() => makeRunLogs(parent), /belongs to somebody else/)
})

test.run()
