import { pino } from "pino"
import { suite } from "uvu"
import * as assert from "uvu/assert"
import { RetryableError } from "../../sidecar/domain/errors.ts"
import { Availability, noted, watched } from "../../sidecar/reconcile/availability.ts"
import { FakeMaster } from "./helpers/fake-master.ts"

const test = suite("who is away")

let lines: string[] = []
let availability: Availability

test.before.each(() => {
  lines = []
  const log = pino({ base: null, timestamp: false }, { write: (line: string) => lines.push(JSON.parse(line).msg) })
  availability = new Availability("PostgreSQL", log)
})

test("it is told once that somebody is away, and once that they are back", async () => {
  let fault: Error | null = new RetryableError("connection refused")
  const ask = () =>
    noted(availability, async () => {
      if (fault) throw fault
    }).catch(() => undefined)
  for (const reason of ["refused", "starting up", "refused"]) {
    fault = new RetryableError(reason)
    await ask()
  }
  assert.is(availability.reason, "refused")
  fault = null
  await ask()
  await ask()
  assert.is(availability.reason, null)
  assert.equal(lines, ["PostgreSQL is away; waiting for it", "PostgreSQL answers"])
})

test("who says no is there", async () => {
  const refuse = noted(availability, () => Promise.reject(new TypeError("no")))
  await refuse.catch(() => undefined)
  assert.is(availability.reason, null)
})

test("every call to the master tells whether it is there", async () => {
  const fake = new FakeMaster()
  const master = watched(fake, availability)
  fake.goAway()
  await master.tenants([], null).catch(() => undefined)
  assert.match(availability.reason ?? "", "away")
  fake.comeBack()
  await master.tenants([], null)
  assert.is(availability.reason, null)
})

test.run()
