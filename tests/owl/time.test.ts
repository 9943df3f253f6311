import { test } from "uvu"
import * as assert from "uvu/assert"
import { formatDuration, formatTicking, parseUtc } from "../../owl-src/services/time.ts"

test("Odoo's times and ISO times are both UTC", () => {
  const expected = Date.UTC(2026, 0, 31, 10, 0, 5)
  assert.is(parseUtc("2026-01-31 10:00:05"), expected)
  assert.is(parseUtc("2026-01-31T10:00:05Z"), expected)
  assert.is(parseUtc("2026-01-31T11:00:05.000+01:00"), expected)
  assert.is(parseUtc("2026-01-31 10:00:05.250"), expected + 250)
})

test("no time is null, and so is nonsense", () => {
  assert.is(parseUtc(false), null)
  assert.is(parseUtc(""), null)
  assert.is(parseUtc("tomorrow"), null)
})

test("durations read well from milliseconds to days", () => {
  const cases: [number, string][] = [
    [0, "0ms"],
    [-5, "0ms"],
    [240, "240ms"],
    [1400, "1.4s"],
    [9949, "9.9s"],
    [9960, "10s"],
    [59_400, "59s"],
    [59_600, "1m"],
    [60_000, "1m"],
    [125_000, "2m 5s"],
    [3_600_000, "1h"],
    [12_000_000, "3h 20m"],
    [90_000_000, "1d 1h"],
  ]
  for (const [ms, text] of cases) assert.is(formatDuration(ms, "en-US"), text, `${ms}`)
})

test("durations speak the reader's language", () => {
  assert.match(formatDuration(1400, "de-DE"), /^1,4\s/)
})

test("a growing duration counts whole seconds", () => {
  assert.is(formatTicking(-300, "en-US"), "0s")
  assert.is(formatTicking(1999, "en-US"), "1s")
  assert.is(formatTicking(61_999, "en-US"), "1m 1s")
})

test.run()
