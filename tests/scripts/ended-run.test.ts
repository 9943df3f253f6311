import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "uvu"
import * as assert from "uvu/assert"
import { endAllIn, processesIn } from "../../scripts/lib/ended-run.ts"

const parent = mkdtempSync(join(tmpdir(), "ended-"))
const folder = join(parent, "run")
const neighbour = join(parent, "run-2")
for (const path of [folder, neighbour]) mkdirSync(path)
const waits = "console.log('up'); setInterval(() => {}, 1000)"
const started: ChildProcess[] = []

test.after(() => {
  for (const child of started) child.kill("SIGKILL")
  rmSync(parent, { recursive: true })
})

/** Resolves once its own program runs: until then it is a copy of this one. */
async function start(args: readonly string[], options: { cwd?: string; env?: Record<string, string> }) {
  const [program = waits, ...rest] = args
  const child = spawn(process.execPath, ["-e", program, "--", ...rest], {
    cwd: "/",
    env: {},
    ...options,
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  })
  started.push(child)
  await once(child.stdout as NodeJS.ReadableStream, "data")
  return child
}

test("whatever has to do with the folder is ended, and nothing of a folder whose name begins alike", async () => {
  const named = await start([waits, join(folder, "odoo.conf")], {})
  const told = await start([], { env: { STATE: folder } })
  const inside = await start([], { cwd: folder })
  const stubborn = await start([`process.on('SIGTERM', () => {}); ${waits}`], { cwd: folder })
  const others = await start([waits, join(neighbour, "odoo.conf")], { cwd: neighbour })
  const pids = [named, told, inside, stubborn].map(({ pid }) => Number(pid))
  const ended = Promise.all([named, told, inside, stubborn].map((child) => once(child, "exit")))
  assert.equal(new Set(processesIn(folder).map(({ pid }) => pid)), new Set(pids))
  await endAllIn(folder)
  assert.equal(processesIn(folder), [])
  await ended
  assert.is(others.exitCode ?? others.signalCode, null)
})

test.run()
