/** Each part is killed under `npm start`, in the foreground and with `--detach`: all of it comes back by itself. */
import { strict as assert } from "node:assert"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { suite } from "uvu"
import { chargeOf } from "../../scripts/lib/charge.ts"
import { processesIn } from "../../scripts/lib/ended-run.ts"
import { repo } from "../../scripts/lib/paths.ts"
import { notReadyBecause } from "../../scripts/lib/sidecar.ts"
import { type Installation, makeInstallation } from "../helpers/installation.ts"
import { until } from "../helpers/wait.ts"

const test = suite("what watches the servers")

/** With whatever else the machine is doing. */
const seconds = 90

interface Command {
  readonly child: ChildProcess
  /** All that it has written. */
  said(): string
}

let it: Installation
const commands: Command[] = []

test.before(async () => {
  it = await makeInstallation("supervisor", { parts: "all" })
  // What `npm start` loads for somebody who tries it out would have a second template built.
  await it.postgres.query("master", async (client) => {
    await client.query("UPDATE ir_module_module SET demo = true WHERE name = 'saas_master'")
    // Nor is its disk to be waited for; what `npm start` sets comes second to this.
    await client.query("ALTER SYSTEM SET fsync = off")
  })
})

test.after(async () => {
  for (const { child } of commands) child.kill("SIGKILL")
  await it.destroy()
})

/** `npm <name>` for this installation, without npm. */
function npm(name: "start" | "stop", ...options: string[]): Command {
  const { ports, stateDir, network, uidBase } = it
  const child = spawn(process.execPath, ["--import", "tsx", join(repo, `scripts/${name}.ts`), ...options], {
    cwd: repo,
    env: {
      ...process.env,
      SAAS_STATE_DIR: stateDir,
      HTTP_PORT: String(ports.http),
      SIDECAR_PORT: String(ports.sidecar),
      PG_PORT: String(ports.postgres),
      TENANT_NETWORK: network,
      TENANT_UID_BASE: String(uidBase),
    },
    stdio: ["ignore", "pipe", "pipe"],
  })
  let text = ""
  for (const out of [child.stdout, child.stderr]) {
    out.on("data", (chunk: Buffer) => {
      text += chunk
    })
  }
  const command = { child, said: () => text }
  commands.push(command)
  return command
}

async function says(command: Command, words: RegExp): Promise<void> {
  await until(`it says ${words}`, () => words.test(command.said()), { seconds, seen: async () => command.said() })
}

async function codeOf({ child }: Command): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
  return child.exitCode
}

const all = ["PostgreSQL", "master", "sidecar", "nginx"] as const

const parts = {
  PostgreSQL: () => it.postgres.pid(),
  master: () => it.masterServer.pid(),
  sidecar: () => it.sidecar.pid(),
  nginx: () => Number(readFileSync(join(it.stateDir, "nginx/nginx.pid"), "utf8")) || null,
}

async function assertAllServe(): Promise<void> {
  const why = async () => (await notReadyBecause(it.ports.sidecar)) ?? "the sidecar is ready"
  const serves = async (url: string) => (await fetch(url, { signal: AbortSignal.timeout(5000) })).ok
  await until("master and nginx serve", () => serves(`http://localhost:${it.ports.http}/web/login`), { seconds })
  await until("the sidecar has all that it needs", async () => (await notReadyBecause(it.ports.sidecar)) === null, {
    seconds,
    seen: why,
  })
}

/** SIGKILL, at the same moment for all that are named. */
async function killAndAwait(names: readonly (keyof typeof parts)[]): Promise<void> {
  const killed = names.map((name) => [name, parts[name]()] as const)
  for (const [name, pid] of killed) {
    assert.ok(pid, `${name} runs`)
    process.kill(pid, "SIGKILL")
  }
  for (const [name, before] of killed) {
    const isBack = () => {
      const pid = parts[name]()
      return pid !== null && pid !== before
    }
    await until(`${name} is back`, isBack, { seconds })
  }
  await assertAllServe()
}

test("in the foreground, whatever is killed comes back, one by one and all at once", async () => {
  const start = npm("start")
  await says(start, /Ready after .*Ctrl-C ends it/s)
  for (const name of all) await killAndAwait([name])
  await killAndAwait(all)
  assert.match(start.said(), /PostgreSQL ended by itself and is started again/)
  assert.equal(start.child.exitCode, null)
})

test("one that ends four times in a minute is only waited for longer", async () => {
  const [start] = commands.slice(-1)
  assert.ok(start)
  for (let time = 0; time < 4; time++) await killAndAwait(["sidecar"])
  assert.match(start.said(), /The sidecar ended by itself and is started again in (4|8|16) s/)
  assert.equal(start.child.exitCode, null)
})

test("another npm start takes the watching over", async () => {
  const [first] = commands.slice(-1)
  assert.ok(first)
  const second = npm("start")
  await says(second, /Ctrl-C ends it/)
  assert.equal(await codeOf(first), 0)
  assert.match(first.said(), /Another npm start has taken over/)
  await killAndAwait(["master"])
})

test("npm stop beside a foreground npm start ends that, too, and nothing is started again", async () => {
  const [start] = commands.slice(-1)
  assert.ok(start)
  const stop = npm("stop")
  assert.equal(await codeOf(stop), 0, stop.said())
  assert.match(stop.said(), /Stopped\. npm start brings it back/)
  assert.equal(await codeOf(start), 0)
  assert.match(start.said(), /npm stop has been called/)
  assert.deepEqual(processesIn(it.stateDir), [])
})

test("with --detach a process of its own watches in the same way", async () => {
  const start = npm("start", "--detach")
  assert.equal(await codeOf(start), 0, start.said())
  await killAndAwait(all)
  const log = readFileSync(join(it.stateDir, "logs/supervisor.log"), "utf8")
  assert.match(log, /PostgreSQL ended by itself and is started again/)
})

test("where what watches is killed, all goes on, and the next npm start brings it back", async () => {
  const before = chargeOf(it.stateDir)
  assert.ok(before)
  process.kill(before.pid, "SIGKILL")
  await assertAllServe()
  const start = npm("start", "--detach")
  assert.equal(await codeOf(start), 0, start.said())
  assert.notEqual(chargeOf(it.stateDir)?.pid, before.pid)
  await killAndAwait(["PostgreSQL"])
})

test("npm stop ends what watches first, and leaves nothing running", async () => {
  const stop = npm("stop")
  assert.equal(await codeOf(stop), 0, stop.said())
  assert.deepEqual(processesIn(it.stateDir), [])
})

test.run()
