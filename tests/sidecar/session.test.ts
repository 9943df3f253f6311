import { pino } from "pino"
import { suite } from "uvu"
import * as assert from "uvu/assert"
import { checksOf } from "../../sidecar/http/checks.ts"
import { readiness } from "../../sidecar/http/health.ts"
import type { TargetInfo } from "../../sidecar/odoo/port.ts"
import { Session } from "../../sidecar/reconcile/session.ts"
import { until } from "../helpers/wait.ts"
import { FakeMaster } from "./helpers/fake-master.ts"

const test = suite("the session with the master")

const info: TargetInfo = {
  name: "local",
  kind: "process",
  ready: true,
  notes: [],
  missingIsolation: ["Own user: start as root."],
  memoryMb: 4096,
  cpuMilli: 2000,
  dedicatedServers: false,
  checksIsolation: false,
}

let master: FakeMaster
let session: Session
let looks: number

test.before.each(() => {
  master = new FakeMaster()
  session = new Session({ worker: "worker", version: "1", master, log: pino({ level: "silent" }) })
  looks = 0
})

test.after.each(() => session.stop())

test("whoever probes it is told how the target was found, and it is not looked at for that", async () => {
  assert.equal(await probed(), { ready: false, reason: "It was not looked at yet." })
  serve(async () => info)
  await until("the master was told", async () => session.installation !== "", { seconds: 5, everyMs: 5 })
  for (let probes = 0; probes < 5; probes += 1) {
    assert.equal(await probed(), { ready: true, reason: "Own user: start as root." })
  }
  assert.is(looks, 1)
})

test("what is wrong with it is told, even where the master cannot be", async () => {
  master.goAway()
  serve(async () => ({ ...info, ready: false, notes: ["nginx does not start: port 8080 is taken."] }))
  await until("it was looked at", async () => session.target !== null, { seconds: 5, everyMs: 5 })
  assert.equal(await probed(), { ready: false, reason: "nginx does not start: port 8080 is taken." })
})

test.run()

function serve(describe: () => Promise<TargetInfo>): void {
  session.start({
    describe: async () => {
      looks += 1
      return await describe()
    },
    servers: async () => [],
    strays: async () => [],
  })
}

/** What /readyz says of the target. */
async function probed(): Promise<{ ready: boolean; reason: string } | undefined> {
  const databases = { ping: async () => undefined, problems: async () => [] }
  const { checks } = await readiness(checksOf({ session, master: { reason: null }, databases, target: "local" }))
  return checks["target local"]
}
