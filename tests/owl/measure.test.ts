import { test } from "uvu"
import * as assert from "uvu/assert"
import { formatCores, formatMegabytes } from "../../owl-src/measure/measure.ts"

test("megabytes are written in the unit that fits", () => {
  assert.is(formatMegabytes(512, "en-US"), "512 MB")
  assert.is(formatMegabytes(1536, "en-US"), "1.5 GB")
  assert.is(formatMegabytes(64 * 1024, "en-US"), "64 GB")
  assert.is(formatMegabytes(3 * 1024 * 1024, "en-US"), "3 TB")
  assert.match(formatMegabytes(1536, "fr-FR"), /^1,5\sGo$/)
})

test("thousandths of a core are written as cores", () => {
  assert.is(formatCores(1000, "en-US"), "1")
  assert.is(formatCores(1250, "en-US"), "1.25")
  assert.is(formatCores(500, "de-DE"), "0,5")
})

test.run()
