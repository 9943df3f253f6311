import { test } from "uvu"
import * as assert from "uvu/assert"
import { diskLevel, levelOf, percentOf, shared } from "../../owl-src/fleet/fullness.ts"

test("a bar warns from 80 percent on and alarms from 100", () => {
  const level = (used: number) => levelOf({ used, of: 100 })
  assert.equal([0, 79, 80, 99, 100, 146].map(level), ["fine", "fine", "high", "high", "full", "full"])
})

test("many tenants share a core before that is news", () => {
  const level = (used: number) => levelOf({ used, of: 100 }, shared)
  assert.equal([150, 399, 400, 799, 800].map(level), ["fine", "fine", "high", "high", "full"])
})

test("nobody knows how full something of unknown size is", () => {
  assert.is(levelOf({ used: 5, of: 0 }), "unknown")
  assert.is(percentOf({ used: 5, of: 0 }), 0)
})

test("more than there is shows as more than 100 percent", () => {
  assert.is(percentOf({ used: 15_000, of: 10_000 }), 150)
})

test("free disk is judged by what PostgreSQL needs, not by percent", () => {
  assert.equal([0, 100, 2048, 9000, 10_240, 500_000].map(diskLevel), [
    "unknown",
    "full",
    "high",
    "high",
    "fine",
    "fine",
  ])
})

test.run()
