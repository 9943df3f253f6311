import { test } from "uvu"
import * as assert from "uvu/assert"
import { phaseClass, phaseLook, phaseNames } from "../../owl-src/tenant/phases.ts"
import { phases } from "../../sidecar/domain/tenant.ts"

test("every phase that the sidecar can report has a look of its own", () => {
  assert.equal([...phaseNames].sort(), [...phases].sort())
  const icons = phaseNames.map((name) => phaseLook(name).icon)
  assert.is(new Set(icons).size, icons.length, "two phases with one icon differ by colour only")
})

test("a phase of a newer server still shows", () => {
  assert.is(phaseClass("levitating"), "o_saas_phase_unknown")
  assert.ok(phaseLook("levitating").icon)
})

test.run()
