import fc from "fast-check"
import { test } from "uvu"
import * as assert from "uvu/assert"
import { failed, look, type Restarts, untried, waitSeconds } from "../../scripts/lib/restarts.ts"

const running: Restarts = look(untried, true, 0).restarts

test("one that ends is started again a second later, and said to have ended once", () => {
  const ended = look(running, false, 5000)
  assert.is(ended.verdict, "ended")
  assert.is(waitSeconds(ended.restarts, 5000), 1)
  assert.is(look(ended.restarts, false, 5999).verdict, "rest")
  assert.is(look(ended.restarts, false, 6000).verdict, "start")
})

test("one that keeps ending is waited for longer each time, half a minute at most, and never given up", () => {
  const waits: number[] = []
  let restarts = running
  let now = 0
  for (let round = 0; round < 40; round++) {
    restarts = look(restarts, false, now).restarts
    waits.push(waitSeconds(restarts, now))
    now = restarts.due ?? now
    assert.is(look(restarts, false, now).verdict, "start")
    restarts = look(restarts, true, now).restarts
  }
  assert.equal(waits.slice(0, 7), [1, 2, 4, 8, 16, 30, 30])
  assert.is(waits.at(-1), 30)
})

test("a refused start is tried again, later", () => {
  const ended = look(running, false, 0).restarts
  const refused = failed(ended, 1000)
  assert.is(waitSeconds(refused, 1000), 2)
  assert.is(look(refused, false, 3000).verdict, "start")
})

test("who has run for a minute begins anew", () => {
  const shaken = look(failed(failed(running, 0), 0), true, 10_000).restarts
  const soon = look(shaken, false, 20_000).restarts
  assert.is(waitSeconds(soon, 20_000), 4)
  const steady = look(look(shaken, true, 80_000).restarts, false, 81_000).restarts
  assert.is(waitSeconds(steady, 81_000), 1)
})

test("whatever happens, one that does not run is started within half a minute", () => {
  const events = fc.array(fc.tuple(fc.constantFrom("runs", "down", "refused"), fc.nat(120_000)), { maxLength: 60 })
  fc.assert(
    fc.property(events, (seen) => {
      let now = 0
      let restarts = untried
      for (const [what, ms] of seen) {
        now += ms
        restarts = what === "refused" ? failed(restarts, now) : look(restarts, what === "runs", now).restarts
      }
      const down = look(restarts, false, now).restarts
      assert.is(look(down, false, now + 30_000).verdict, "start")
    }),
  )
})

test.run()
