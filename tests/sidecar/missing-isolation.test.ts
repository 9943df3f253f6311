/** What a machine cannot do is said in words, on the target's page. */
import { strict as assert } from "node:assert"
import { suite } from "uvu"
import { missing, missingOfHolder } from "../../sidecar/drivers/process/isolation.ts"

const test = suite("isolation that is missing")

test("a machine that gives all of it has nothing to say", () => {
  assert.deepEqual(missing({ ownUser: true, limits: true, network: true, ports: true }, null), [])
  assert.deepEqual(missingOfHolder({ system_calls: null, view: null }, true), [])
})

test("each thing that the kernel refuses is named, with its reason and what to do", () => {
  const [calls, view, ...others] = missingOfHolder({ system_calls: "Invalid argument", view: "Not permitted" }, true)
  assert.match(calls ?? "", /^System calls: .*Invalid argument.*Start on/)
  assert.match(view ?? "", /^Own view: .*Not permitted.*Start outside/)
  assert.deepEqual(others, [])
})

test("where all tenants run as one user, that says enough of what they see", () => {
  assert.deepEqual(missingOfHolder({ system_calls: null, view: "Not permitted" }, false), [])
})

test.run()
