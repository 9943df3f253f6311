import { defineMailModels } from "@mail/../tests/mail_test_helpers"
import { expect, test } from "@odoo/hoot"
import { queryAllTexts } from "@odoo/hoot-dom"
import { defineModels, fields, models, mountView } from "@web/../tests/web_test_helpers"

class Tenant extends models.Model {
  _name = "saas.tenant"
  phase = fields.Selection({
    selection: [
      ["running", "Running"],
      ["failed", "Failed"],
      ["levitating", "Levitating"],
    ],
  })
  _records = [
    { id: 1, phase: "running" },
    { id: 2, phase: "failed" },
    { id: 3, phase: "levitating" },
    { id: 4, phase: false },
  ]
}

defineMailModels()
defineModels([Tenant])

test("a phase shows as words and icon in its colour, one that is not known yet shows, too", async () => {
  await mountView({
    type: "list",
    resModel: "saas.tenant",
    arch: `<list><field name="phase" widget="saas_phase_badge"/></list>`,
  })
  expect(queryAllTexts(".o_saas_phase_badge")).toEqual(["Running", "Failed", "Levitating"])
  expect(".o_saas_phase_badge.o_saas_phase_running .fa-check-circle").toHaveCount(1)
  expect(".o_saas_phase_badge.o_saas_phase_failed .fa-exclamation-triangle").toHaveCount(1)
  expect(".o_saas_phase_badge.o_saas_phase_unknown .fa").toHaveCount(1)
})
