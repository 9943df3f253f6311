/** How the provision benchmark judges what visitors of a killed tenant met, and what a claim costs. */
import { strict as assert } from "node:assert"
import { suite } from "uvu"
import { callsPerClaim } from "../../bench/provision/claims.ts"
import { outageOf } from "../../bench/provision/outage.ts"

const test = suite("the provision benchmark")

const killedAt = 1000

test("it serves again with the first good answer to a request sent after the kill", () => {
  const outage = outageOf(
    [
      { sentAt: 900, endedAt: 920, status: 200 },
      // Under way at the kill and answered all the same: it had waited in the kernel.
      { sentAt: 995, endedAt: 2500, status: 200 },
      { sentAt: 1001, endedAt: 3200, status: 200 },
      { sentAt: 1050, endedAt: 3100, status: 200 },
    ],
    killedAt,
  )
  assert.deepEqual(outage, { seconds: 2.1, failed: 0, cutOff: 0 })
})

test("bad answers count by whether they were sent before the kill or after it", () => {
  const outage = outageOf(
    [
      { sentAt: 998, endedAt: 1003, status: 503 },
      { sentAt: 999, endedAt: 1003, status: 0 },
      { sentAt: 1010, endedAt: 1020, status: 503 },
      { sentAt: 1060, endedAt: 2000, status: 200 },
    ],
    killedAt,
  )
  assert.deepEqual(outage, { seconds: 1, failed: 1, cutOff: 2 })
})

test("it does not serve again while nothing is answered well", () => {
  assert.equal(outageOf([{ sentAt: 1010, endedAt: 1020, status: 503 }], killedAt).seconds, null)
})

test("a claim is one call, whatever else the sidecar says meanwhile", () => {
  const calls = ["authenticate", "hello", "claim", "claim", "tenants", "claim", "hello", "observed", "claim"]
  assert.deepEqual(callsPerClaim(calls), [1, 1, 1])
})

test("what a claim needs besides is counted with it", () => {
  assert.deepEqual(callsPerClaim(["claim", "authenticate", "claim", "claim", "search", "read", "claim"]), [2, 1, 3])
})

test.run()
