import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "uvu"
import * as assert from "uvu/assert"
import { currentUser } from "../../scripts/lib/os-user.ts"
import { Daemon, isAlive, readMark, startOf } from "../../scripts/lib/processes.ts"
import { until } from "../../scripts/lib/until.ts"

const folder = mkdtempSync(join(tmpdir(), "processes-"))
test.after(() => rmSync(folder, { recursive: true }))

function daemon(name: string, program: string, ready: () => Promise<true | null>): Daemon {
  return new Daemon({
    name,
    pidFile: join(folder, `${name}.json`),
    log: join(folder, `${name}.log`),
    command: process.execPath,
    args: ["-e", program],
    env: {},
    cwd: folder,
    user: currentUser(),
    ready,
    readySeconds: 10,
  })
}

const always = async (): Promise<true> => true

test("a process that took over the pid of another is not taken for it", () => {
  const file = join(folder, "other.json")
  writeFileSync(file, JSON.stringify({ pid: process.pid, started: "1" }))
  assert.is(readMark(file), null)
  writeFileSync(file, JSON.stringify({ pid: process.pid, started: startOf(process.pid) }))
  assert.is(readMark(file)?.pid, process.pid)
})

test("a server is found again by another command and stopped", async () => {
  const first = daemon("stays", "setInterval(() => {}, 1000)", always)
  await first.start()
  const again = daemon("stays", "", always)
  const mark = again.mark()
  assert.ok(mark)
  assert.is(again.pid(), first.pid())
  await again.stop()
  assert.not(mark && isAlive(mark))
  assert.is(first.pid(), null)
})

test("one whose first thread has ended lives on with the others, which have its files and ports", async () => {
  const program =
    "import ctypes, platform, threading, time\n" +
    "threading.Thread(target=time.sleep, args=(600,)).start()\n" +
    "ctypes.CDLL(None).syscall({'x86_64': 60, 'aarch64': 93}[platform.machine()], 0)"
  const child = spawn("/usr/bin/python3", ["-c", program], { stdio: "ignore" })
  const mark = { pid: child.pid ?? 0, started: startOf(child.pid ?? 0) ?? "" }
  const state = () => /^State:\t(.)/m.exec(readFileSync(`/proc/${mark.pid}/status`, "utf8"))?.[1]
  await until(() => state() === "Z" || null, { seconds: 10, otherwise: () => "its first thread goes on" })
  assert.ok(isAlive(mark))
  const ended = once(child, "exit")
  process.kill(mark.pid, "SIGKILL")
  await ended
  assert.not(isAlive(mark))
})

test("one that ignores SIGTERM is killed", async () => {
  const stubborn = daemon(
    "stubborn",
    "process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000)",
    async () => (stubborn.lastWords().includes("up") ? true : null),
  )
  await stubborn.start()
  const mark = stubborn.mark()
  await stubborn.stop(0.2)
  assert.not(mark && isAlive(mark))
})

test("one that ends while starting says why", async () => {
  const broken = daemon("broken", "console.error('no such table'); process.exit(3)", async () => null)
  try {
    await broken.start()
    assert.unreachable()
  } catch (error) {
    assert.match((error as Error).message, /broken ended while starting.*no such table/s)
  }
})

test.run()
