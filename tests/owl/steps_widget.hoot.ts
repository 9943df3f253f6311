import { defineMailModels } from "@mail/../tests/mail_test_helpers"
import { beforeEach, expect, test } from "@odoo/hoot"
import { contains, defineModels, fields, models, mountView, onRpc } from "@web/../tests/web_test_helpers"
import type { Timeline } from "../../owl-src/tenant/step_timeline.ts"
import { makeOperation, now, openTab, passTime, stepLabels, tellTenant } from "./helpers.ts"

class Tenant extends models.Model {
  _name = "saas.tenant"
  name = fields.Char()
  message = fields.Char()
  _records = [{ id: 3, name: "Acme", message: "Setting up" }]
}

defineMailModels()
defineModels([Tenant])

const arch = `<form><field name="name"/><field name="message" readonly="1"/><widget name="saas_steps"/></form>`

beforeEach(() => {
  onRpc("saas.fleet", "get_timeline", ({ args }): Timeline => {
    expect.step(args.join(" "))
    return { now, step_labels: stepLabels, operation: makeOperation(), can_retry: true }
  })
})

test("a tenant's form shows the steps, and all of it follows the tenant", async () => {
  const record = { id: 3, name: "Acme", message: "Setting up" }
  onRpc("saas.tenant", "web_read", () => [record])
  await openTab()
  await mountView({ type: "form", resModel: "saas.tenant", resId: 3, arch })
  expect(".o_saas_step").toHaveCount(2)
  expect("[name=message]").toHaveText("Setting up")
  record.message = "Acme is up"
  await tellTenant({ id: 3 })
  await passTime()
  expect("[name=message]").toHaveText("Acme is up")
  expect.verifySteps(["saas.tenant 3"])
})

test("a reason that the form says already is not said again, what to do is", async () => {
  const failure = makeOperation({ state: "failed", state_label: "Failed", message: "The disk is full." })
  onRpc("saas.fleet", "get_timeline", () => ({ now, step_labels: stepLabels, operation: failure, can_retry: true }))
  const record = { id: 3, name: "Acme", message: "The disk is full." }
  onRpc("saas.tenant", "web_read", () => [record])
  await openTab()
  await mountView({ type: "form", resModel: "saas.tenant", resId: 3, arch })
  expect(".o_saas_timeline_failure").toHaveCount(0)
  expect(".o_saas_timeline_hint").toHaveText(/press Retry/)
  record.message = "Something else"
  await tellTenant({ id: 3 })
  await passTime()
  expect(".o_saas_timeline_failure").toHaveText(/The disk is full/)
})

test("what a person is typing stays when the tenant changes", async () => {
  await openTab()
  await mountView({ type: "form", resModel: "saas.tenant", resId: 3, arch })
  await contains("[name=name] input").edit("Acme Brewing")
  await tellTenant({ id: 3 })
  await passTime()
  expect("[name=name] input").toHaveCount(1)
  await contains(".o_form_button_save").click()
  expect("[name=name] input").toHaveProperty("value", "Acme Brewing")
  expect.verifySteps(["saas.tenant 3"])
})

test("a tenant that is not saved yet has no steps to show", async () => {
  await openTab()
  await mountView({ type: "form", resModel: "saas.tenant", arch })
  expect(".o_saas_timeline").toHaveCount(0)
  expect.verifySteps([])
})
