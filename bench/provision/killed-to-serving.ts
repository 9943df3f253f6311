/** A tenant's process is killed under a steady flow of visitors. */
import { pidOf } from "../../tests/helpers/census.ts"
import type { TenantRow } from "../../tests/helpers/sales.ts"
import { until } from "../../tests/helpers/wait.ts"
import type { Session } from "../lib/benchmark.ts"
import type { Measurement } from "../lib/measurement.ts"
import { type Outage, outageOf } from "./outage.ts"
import { RequestFlow } from "./request-flow.ts"
import type { World } from "./world.ts"

/** Each time another tenant: one that ends again and again is started ever later, on purpose. */
const kills = 5
const requestEveryMs = 50
/** What visitors get before the kill and after it, so that it is the kill that makes the difference. */
const calmMs = 1500

export async function killedToServing({ it, customers }: World, { cleanUp, note }: Session): Promise<Measurement[]> {
  const tenants = await customers.atLeast(kills)
  const outages: Outage[] = []
  for (const tenant of tenants.slice(0, kills)) {
    note(`${outages.length + 1} of ${kills}`)
    const flow = new RequestFlow(`${tenant.url}/web/login`, requestEveryMs)
    const stop = cleanUp.defer(async () => {
      await flow.stop()
    })
    await flows(flow, tenant)
    const pid = pidOf(it, tenant.ref)
    // The worst moment: one of them is being answered.
    await until("a visitor waits for an answer", () => flow.underWay > 0, { everyMs: 1 })
    const killedAt = performance.now()
    process.kill(pid, "SIGKILL")
    await until("it serves again", () => outageOf(flow.ended, killedAt).seconds !== null, { seconds: 120 })
    await flows(flow, tenant)
    await stop()
    outages.push(outageOf(flow.ended, killedAt))
  }
  return [
    {
      name: "killed-to-serving",
      unit: "s",
      // Every one of them was awaited.
      values: outages.map(({ seconds }) => seconds as number),
      atMost: { max: 5 },
    },
    {
      name: "failed-requests-while-killed",
      unit: "requests",
      values: outages.map(({ failed }) => failed),
      atMost: { max: 0 },
    },
    {
      name: "requests-cut-off-by-the-kill",
      unit: "requests",
      values: outages.map(({ cutOff }) => cutOff),
      atMost: { max: 0 },
    },
  ]
}

/** For a while, every request is answered well and at once. */
async function flows(flow: RequestFlow, { slug }: TenantRow): Promise<void> {
  const patient = performance.now() + calmMs
  await until(`the visitors of ${slug} are answered`, () => {
    const recent = flow.ended.filter(({ sentAt }) => sentAt > patient - calmMs)
    return performance.now() > patient && recent.length > calmMs / requestEveryMs / 2
  })
}
