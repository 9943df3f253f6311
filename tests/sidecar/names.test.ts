import { readFileSync } from "node:fs"
import fc from "fast-check"
import { suite } from "uvu"
import * as assert from "uvu/assert"
import { backoffSeconds, operationBackoff } from "../../sidecar/domain/backoff.ts"
import { fingerprint } from "../../sidecar/domain/fingerprint.ts"
import { isHostName, isTenantId, templateDatabase, templateSubject } from "../../sidecar/domain/names.ts"

const test = suite("names, fingerprints and waits")

test("a tenant's id needs no quoting anywhere", () => {
  assert.ok(isTenantId("tabcdefgh27"))
  for (const bad of ["", "tabc", "Tabcdefgh27", "tabcdefgh01", "tabcdefgh2;", "tabcdefgh27\n", "../tabcdefgh"]) {
    assert.not(isTenantId(bad), bad)
  }
})

test("a template is never mistaken for a tenant, and its name fits PostgreSQL", () => {
  assert.not(isTenantId(templateSubject("0123456789")))
  const name = templateDatabase("0123456789", "abcdef0123456789")
  assert.is(name, "tpl_0123456789_abcdef01")
  assert.ok(name.length <= 63)
})

test("whatever the master takes for an address is a label of a host name", () => {
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{1,38})[a-z0-9]$/)
  fc.assert(fc.property(label, (slug) => isHostName(`${slug}.localhost`)))
  for (const bad of ["-acme", "Acme", "а", "a b"]) assert.not(isHostName(`${bad}.localhost`), bad)
})

interface NameCases {
  readonly hosts: readonly { readonly name: string; readonly problem: string }[]
  readonly typed: readonly { readonly typed: string; readonly name: string }[]
  readonly slugs: readonly { readonly slug: string; readonly problem: string }[]
}
/** The master is held against the same file: tests/test_names.py of its addon. */
const casesFile = new URL("../../addons/saas_master/tests/names.json", import.meta.url)
const cases = JSON.parse(readFileSync(casesFile, "utf8")) as NameCases

test("what the master takes for a host is one, and what it refuses is none", () => {
  for (const { name, problem } of cases.hosts) assert.is(isHostName(name), problem === "", JSON.stringify(name))
  for (const { name } of cases.typed) assert.is(isHostName(name), !/^[[\d]/.test(name), name)
  for (const { slug } of cases.slugs.filter(({ problem }) => problem === "")) assert.ok(isHostName(`${slug}.localhost`))
})

test("equal values have equal fingerprints, whatever the order of their keys", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const backwards = Object.fromEntries(Object.entries(value).reverse())
      assert.is(fingerprint(backwards), fingerprint(value))
    }),
  )
  assert.is.not(fingerprint({ a: [1, 2] }), fingerprint({ a: [2, 1] }))
  assert.is.not(fingerprint({ a: "1" }), fingerprint({ a: 1 }))
})

test("waits grow, are spread, and never pass their cap", () => {
  const attempts = fc.integer({ min: 1, max: 1_000_000 })
  const randoms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(attempts, randoms, (attempt, random) => {
      const seconds = backoffSeconds(attempt, random)
      assert.ok(seconds >= operationBackoff.first / 2 && seconds <= operationBackoff.most)
      assert.ok(backoffSeconds(attempt + 1, random) >= seconds)
    }),
  )
  assert.ok(backoffSeconds(1, 0.9) > backoffSeconds(1, 0.1))
})

test.run()
