import { test } from "uvu"
import * as assert from "uvu/assert"
import { diskLevel, formatMegabytes, levelOf, percentOf } from "../../owl-src/fleet/fullness.ts"

test("a bar warns from 75 percent on and alarms from 90", () => {
  const level = (used: number) => levelOf({ used, of: 100 })
  assert.equal([0, 74, 75, 89, 90, 100, 140].map(level), ["fine", "fine", "high", "high", "full", "full", "full"])
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

test("megabytes are written in the unit that fits", () => {
  assert.is(formatMegabytes(512, "en-US"), "512 MB")
  assert.is(formatMegabytes(1536, "en-US"), "1.5 GB")
  assert.is(formatMegabytes(64 * 1024, "en-US"), "64 GB")
  assert.is(formatMegabytes(3 * 1024 * 1024, "en-US"), "3 TB")
  assert.match(formatMegabytes(1536, "fr-FR"), /^1,5\sGo$/)
})

test.run()
