import { type ChildProcess, spawn } from "node:child_process"
import { EventEmitter, once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "uvu"
import * as assert from "uvu/assert"
import { withLock } from "../../scripts/lib/locks.ts"
import { repo } from "../../scripts/lib/paths.ts"

const folder = mkdtempSync(join(tmpdir(), "locks-"))
const file = join(folder, "one.lock")
const inside = join(folder, "inside")
const started: ChildProcess[] = []

test.after(() => {
  for (const child of started) child.kill("SIGKILL")
  rmSync(folder, { recursive: true })
})

/** Runs `body` as a program of its own, with `withLock`, `file` and `inside` at hand. */
function program(body: string): ChildProcess {
  const text = `import { mkdirSync, rmdirSync } from "node:fs"
    import { withLock } from ${JSON.stringify(join(repo, "scripts/lib/locks.ts"))}
    const file = ${JSON.stringify(file)}, inside = ${JSON.stringify(inside)}
    ${body}`
  const args = ["--import", "tsx", "--input-type=module", "-e", text]
  const child = spawn(process.execPath, args, { cwd: repo, stdio: ["ignore", "pipe", "inherit"] })
  started.push(child)
  return child
}

test("of many that want it at once one has it at a time, however the file looks and whoever was killed with it", async () => {
  // As an older version left it behind, whose holder is gone.
  writeFileSync(file, JSON.stringify({ pid: 1, started: "0" }))
  const killed = program(
    `await withLock(file, () => { console.log("holds"); return new Promise(() => setInterval(() => {}, 1e6)) })`,
  )
  await once(killed.stdout as NodeJS.ReadableStream, "data")
  const crowd = Array.from({ length: 3 }, () =>
    program(
      `for (let n = 0; n < 15; n++) await withLock(file, async () => { mkdirSync(inside); await null; rmdirSync(inside) })`,
    ),
  )
  const ends = Promise.all(crowd.map((child) => once(child, "exit")))
  killed.kill("SIGKILL")
  assert.equal(
    (await ends).map(([code]) => code),
    [0, 0, 0],
  )
})

test("who must wait says so once, and gets it when the other is done", async () => {
  const words: string[] = []
  const told = new EventEmitter()
  const isHeld = once(told, "held")
  const first = withLock(file, async () => {
    told.emit("held")
    await once(told, "waits")
    words.push("first")
  })
  await isHeld
  await withLock(
    file,
    async () => words.push("second"),
    () => {
      words.push("waits")
      told.emit("waits")
    },
  )
  await first
  assert.equal(words, ["waits", "first", "second"])
})

test.run()
