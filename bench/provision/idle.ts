/** What the sidecar takes while nothing is to be done, with all the tenants running that the parts before have left. */
import { setTimeout as pause } from "node:timers/promises"
import { DeafProxy } from "../../tests/helpers/deaf-proxy.ts"
import type { Installation } from "../../tests/helpers/installation.ts"
import { until } from "../../tests/helpers/wait.ts"
import type { Session } from "../lib/benchmark.ts"
import type { Measurement } from "../lib/measurement.ts"
import { callsPerClaim } from "./claims.ts"
import { processorSeconds, residentMegabytes } from "./process-cost.ts"
import type { World } from "./world.ts"

const seconds = 60
/** What the parts before have left to do, such as reports of how the tenants are, is done by then. */
const settleSeconds = 10
const claims = 12

export async function idle({ it, customers }: World, { note, cleanUp, signal }: Session): Promise<Measurement[]> {
  await customers.atLeast(1)
  note(`with ${customers.running.length} tenants`)
  await pause(settleSeconds * 1000, undefined, { signal })
  const rows = await costOf(it, signal)
  note("counting calls")
  return [...rows, await countCalls(it, cleanUp)]
}

/** Of the very sidecar that has done all the work before. */
async function costOf(it: Installation, signal: AbortSignal): Promise<Measurement[]> {
  const pid = it.sidecar.pid()
  if (pid === null) throw new Error("The sidecar does not run")
  const megabytes: number[] = []
  const before = processorSeconds(pid)
  const begun = performance.now()
  for (let second = 0; second < seconds; second++) {
    await pause(1000, undefined, { signal })
    megabytes.push(residentMegabytes(pid))
  }
  const share = (100 * (processorSeconds(pid) - before)) / ((performance.now() - begun) / 1000)
  return [
    { name: "idle-processor", unit: "% of a core", values: [share], atMost: { max: 1 } },
    { name: "idle-memory", unit: "MB", values: megabytes, atMost: { max: 120 } },
  ]
}

/** Another sidecar takes its place, whose calls pass through here. */
async function countCalls(it: Installation, cleanUp: Session["cleanUp"]): Promise<Measurement> {
  const proxy = await DeafProxy.start(it.masterSocket)
  cleanUp.defer(() => proxy.stop())
  const counted = await it.anotherSidecar("counted", { MASTER_URL: proxy.url })
  await it.sidecar.stop()
  await counted.start()
  await until("it has claimed often enough", () => callsPerClaim(proxy.calls).length >= claims, { seconds: 120 })
  const values = callsPerClaim(proxy.calls)
  await counted.stop()
  await it.sidecar.start()
  return { name: "calls-per-empty-claim", unit: "calls", values, atMost: { max: 1 } }
}
