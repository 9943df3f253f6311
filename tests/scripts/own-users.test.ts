/** What a stop and the next start leave of the users of an installation: nothing, whatever it did to stay. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import type { Readable } from "node:stream"
import { suite } from "uvu"
import * as assert from "uvu/assert"
import { Installation as RealInstallation } from "../../scripts/lib/installation.ts"
import { startOf } from "../../scripts/lib/processes.ts"
import { silent } from "../../scripts/lib/progress.ts"
import { rememberedSettings } from "../../scripts/lib/state-folder.ts"
import { type Installation, makeInstallation } from "../helpers/installation.ts"

const test = suite<{ it: Installation; real: RealInstallation }>("the users of an installation")

test.before(async (context) => {
  context.it = await makeInstallation("users", { parts: "database" })
  const settings = rememberedSettings(context.it.stateDir)
  if (settings === null) throw new Error("The installation does not remember its settings.")
  context.real = await RealInstallation.open(settings, context.it.odoo)
})
test.after(({ it }) => it.destroy())

test("a stop ends what a tenant and the master left running, and nobody else", async ({ it, real }) => {
  const [tenant, master, neighbour] = await Promise.all([it.uidBase + 9, it.uidBase - 1, it.uidBase - 2].map(stay))
  assert.ok(tenant && master && neighbour)
  const stopped = await real.stop(silent)
  assert.is(startOf(tenant), null)
  assert.is(startOf(master), null)
  assert.equal(stopped, ["what the tenants left", "what the master left", "PostgreSQL"])
  assert.is.not(startOf(neighbour), null)
  process.kill(neighbour, "SIGKILL")
})

test("so does a start that finds nothing else running; one that finds tenants leaves them alone", async ({ real }) => {
  const { uidBase } = real.settings
  const forgotten = await stay(uidBase + 9)
  await real.startPostgres(silent)
  await real.demandSettings()
  assert.is.not(startOf(forgotten), null)
  await real.postgres.stop()
  await real.demandSettings()
  assert.is(startOf(forgotten), null)
})

test("those who fork all the time are ended, too", async ({ it, real }) => {
  // Each child forks the next one and ends: whoever kills one by one is always too late.
  const { said } = await python(
    it.uidBase + 9,
    "import os\nprint(os.getpid(), flush=True)\nwhile True:\n  if os.fork(): os._exit(0)",
  )
  const allEnded = once(said, "close")
  await real.stop(silent)
  // Each of them has it open.
  await allEnded
})

/** Answers the pid of a process of that user which has a session of its own, and whose parent is gone. */
async function stay(uid: number): Promise<number> {
  const { pid, said } = await python(
    uid,
    "import os, time\nif os.fork(): os._exit(0)\nos.setsid()\nprint(os.getpid(), flush=True)\ntime.sleep(600)",
  )
  said.destroy()
  return pid
}

async function python(uid: number, program: string): Promise<{ pid: number; said: Readable }> {
  const become = [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--no-new-privs", "--"]
  const child = spawn("setpriv", [...become, "/usr/bin/python3", "-c", program], {
    stdio: ["ignore", "pipe", "inherit"],
    cwd: "/",
  })
  const [pid] = await once(createInterface({ input: child.stdout }), "line")
  return { pid: Number(pid), said: child.stdout }
}

test.run()
