/** What a benchmark makes of the values that it has measured. */
import { strict as assert } from "node:assert"
import { suite } from "uvu"
import { holds, rowOf } from "../../bench/lib/measurement.ts"
import { percentile } from "../../bench/lib/percentile.ts"
import { jsonLine } from "../../bench/lib/run.ts"
import { table } from "../../bench/lib/table.ts"

const test = suite("the rows of a benchmark")

const upTo = (n: number) => Array.from({ length: n }, (_, index) => index + 1)

test("a percentile is a value that was measured, whatever their order", () => {
  assert.equal(percentile([7], 50), 7)
  assert.equal(percentile([7], 95), 7)
  assert.equal(percentile([9, 1], 50), 1)
  assert.equal(percentile([3, 1, 2], 50), 2)
  assert.equal(percentile(upTo(100), 95), 95)
  assert.equal(percentile(upTo(100), 100), 100)
})

test("p95 is the largest of fewer than 20 values, and the second largest of 20", () => {
  for (const n of [1, 2, 5, 10, 19]) assert.equal(percentile(upTo(n), 95), n)
  assert.equal(percentile(upTo(20), 95), 19)
})

test("nothing has no percentile", () => {
  assert.throws(() => percentile([], 50), RangeError)
})

test("programs read one line, in the form that all benchmarks share", () => {
  const line = jsonLine("provision", [
    { name: "confirm-to-login", unit: "s", values: [1.2345, 1.4], atMost: { p50: 3 } },
  ])
  assert.equal(line, '{"bench":"provision","rows":[{"name":"confirm-to-login","unit":"s","n":2,"p50":1.23,"p95":1.4}]}')
})

test("a limit is judged by what was measured, not by what it is rounded to", () => {
  const measured = { name: "idle-processor", unit: "% of a core", values: [1.004] }
  assert.equal(rowOf(measured).p50, 1)
  assert.equal(holds({ ...measured, atMost: { max: 1 } }), false)
})

test("each bound of a limit counts, and what nobody asked for neither holds nor fails", () => {
  const measured = { name: "confirm-to-login", unit: "s", values: upTo(20) }
  assert.equal(holds({ ...measured, atMost: { p50: 10, p95: 19 } }), true)
  assert.equal(holds({ ...measured, atMost: { p50: 9.9, p95: 19 } }), false)
  assert.equal(holds({ ...measured, atMost: { p50: 10, p95: 18 } }), false)
  assert.equal(holds({ ...measured, atMost: { max: 19 } }), false)
  assert.equal(holds(measured), null)
})

test("the table says what was asked and whether it holds", () => {
  const lines = table([
    { name: "confirm-to-login", unit: "s", values: upTo(20), atMost: { p50: 3, p95: 19 } },
    { name: "install-modules", unit: "s", values: [30] },
  ]).split("\n")
  assert.match(lines[1] ?? "", /^confirm-to-login +s +20 +10 +19 +20 +p50 ≤ 3, p95 ≤ 19 +NO$/)
  assert.match(lines[2] ?? "", /^install-modules +s +1 +30 +30 +30$/)
})

test.run()
