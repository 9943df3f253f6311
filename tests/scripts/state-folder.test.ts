import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "uvu"
import * as assert from "uvu/assert"
import { isRoot } from "../../scripts/lib/os-user.ts"
import { closedParent } from "../../scripts/lib/paths.ts"
import { claimStateFolder, removeStateFolder } from "../../scripts/lib/state-folder.ts"

const folder = mkdtempSync(join(tmpdir(), "state-"))
chmodSync(folder, 0o711)
test.after(() => rmSync(folder, { recursive: true }))

test("somebody else's files are neither used nor removed", () => {
  const other = join(folder, "other")
  mkdirSync(other)
  writeFileSync(join(other, "thesis.tex"), "")
  assert.throws(() => claimStateFolder(other), /holds other things already/)
  assert.throws(() => removeStateFolder(other), /left alone/)
  assert.ok(existsSync(join(other, "thesis.tex")))
})

test("a folder of ours is claimed twice and removed", () => {
  const ours = join(folder, "ours")
  claimStateFolder(ours)
  writeFileSync(join(ours, "data"), "")
  claimStateFolder(ours)
  removeStateFolder(ours)
  assert.not(existsSync(ours))
})

test("root is told which folder other users cannot pass", () => {
  const closed = join(folder, "closed")
  mkdirSync(closed, { mode: 0o700 })
  assert.is(closedParent(join(closed, "a", "b")), closed)
  if (!isRoot) return
  assert.throws(
    () => claimStateFolder(join(closed, "state")),
    (error: Error) => error.message.includes(`${closed} lets`),
  )
})

test.run()
