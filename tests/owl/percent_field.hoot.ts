import { defineMailModels } from "@mail/../tests/mail_test_helpers"
import { expect, test } from "@odoo/hoot"
import { queryAllAttributes, queryAllTexts } from "@odoo/hoot-dom"
import { defineModels, fields, models, mountView } from "@web/../tests/web_test_helpers"

class Tenant extends models.Model {
  _name = "saas.tenant"
  storage_percent = fields.Float()
  _records = [
    { id: 1, storage_percent: 0 },
    { id: 2, storage_percent: 79.9 },
    { id: 3, storage_percent: 80 },
    { id: 4, storage_percent: 100 },
    { id: 5, storage_percent: 145.8 },
  ]
}

defineMailModels()
defineModels([Tenant])

test("a bar, its colour and its number say the same", async () => {
  await mountView({
    type: "list",
    resModel: "saas.tenant",
    arch: `<list><field name="storage_percent" widget="saas_percent"/></list>`,
  })
  expect(queryAllTexts(".o_saas_fullness")).toEqual(["0%", "80%", "80%", "100%", "146%"])
  expect(queryAllAttributes(".o_saas_fullness", "data-level")).toEqual(["fine", "high", "high", "full", "full"])
  expect(queryAllAttributes(".o_saas_bar > span", "style")).toEqual([
    "width: 0%",
    "width: 80%",
    "width: 80%",
    "width: 100%",
    "width: 100%",
  ])
})
