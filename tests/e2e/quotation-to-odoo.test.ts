/** The whole way in a real browser: from the opportunity to the customer's own Odoo, signed on without a password. */
import { strict as assert } from "node:assert"
import type { Browser, Page } from "playwright-core"
import { suite } from "uvu"
import { collectErrors, openBrowser, phone, signOn, wide } from "../helpers/browser.ts"
import { type Installation, makeInstallation } from "../helpers/installation.ts"
import { Master } from "../helpers/master.ts"
import { TenantSaidNo, TenantUser } from "../helpers/tenant.ts"
import { until } from "../helpers/wait.ts"

const test = suite("from a quotation to a running Odoo")
const patience = { timeout: 90_000 }
const customer = { name: "Blue Lantern Ltd", email: "ada@bluelantern.example", password: "a portal password" }

let it: Installation
let master: Master
let browser: Browser
let masterUrl: string
const errors: string[][] = []

test.before(async () => {
  it = await makeInstallation("e2e", { parts: "all" })
  master = new Master(it.master)
  masterUrl = `http://localhost:${it.ports.http}`
  browser = await openBrowser()
  await master.create("res.partner", { name: customer.name, is_company: true, email: customer.email })
})

test.after(async () => {
  await browser?.close()
  await it?.destroy()
})

async function newPage(viewport: { width: number; height: number }): Promise<Page> {
  const context = await browser.newContext({ viewport })
  context.setDefaultTimeout(patience.timeout)
  // The tabs that it opens, too: that is where the customers' Odoos show.
  context.on("page", (page) => errors.push(collectErrors(page)))
  return context.newPage()
}

/** Types into a many2one and takes what is offered. */
async function choose(page: Page, field: string, text: string): Promise<void> {
  await page.locator(`.o_field_widget[name=${field}] input`).first().fill(text)
  await page.locator(".o-autocomplete--dropdown-item", { hasText: text }).first().click()
}

test("a salesperson makes an opportunity and a quotation of it, and confirms", async () => {
  const page = await newPage(wide)
  await signOn(page, masterUrl, it.master.login, it.master.password)

  await page.goto(`${masterUrl}/odoo/crm/new`)
  await choose(page, "partner_id", customer.name)
  await page
    .locator(".o_field_widget[name=name] textarea, .o_field_widget[name=name] input")
    .first()
    .fill("Wants an Odoo")
  await page.locator("button[name=action_sale_quotations_new]").first().click()

  await page.locator(".o_field_x2many_list_row_add a, .o_field_x2many_list_row_add button").first().click()
  await choose(page, "product_template_id", "Starter")
  await page.locator(".o_field_widget[name=saas_slug] input").fill("blue-lantern")
  await page.locator(".o_field_widget[name=saas_slug] input").press("Tab")
  await page.getByText(`http://blue-lantern.localhost:${it.ports.http}`).first().waitFor()
  await page.locator(".o_form_button_save").click()
  await page.locator("button[name=action_confirm]:visible").first().click()

  await page.locator("button[name=action_view_saas_tenants]").click()
  // No reload from here on: everything that changes comes over the bus.
  await page.evaluate(() => Object.assign(globalThis, { notReloaded: true }))
  await page.locator(".o_saas_timeline li").first().waitFor()
  await page.locator(".o_saas_timeline[data-state=done]").waitFor()
  assert.ok((await page.locator(".o_saas_timeline li").count()) >= 9, "every step of the making is shown")
  await page.locator(".o_form_view").getByText("Running").first().waitFor()
  assert.equal(await page.evaluate(() => "notReloaded" in globalThis), true)
})

test("staff open it as a user of their own, with a reason", async () => {
  const page = await newPage(wide)
  await signOn(page, masterUrl, it.master.login, it.master.password)
  const tenant = await theTenant()
  await page.goto(`${masterUrl}/odoo/saas-tenants/${tenant.id}`)
  await page.locator("button[name=action_open]").first().click()
  await page
    .locator(".modal .o_field_widget[name=reason] input, .modal .o_field_widget[name=reason] textarea")
    .fill("A look around.")
  const [tab] = await Promise.all([
    page.context().waitForEvent("page"),
    page.locator(".modal button[name=action_confirm]").click(),
  ])
  await tab.waitForURL(new RegExp(`^${tenant.url}/(odoo|web)`), patience)
  await tab.locator(".o_web_client .o_main_navbar").waitFor(patience)
})

test("the customer finds it in the portal and is signed on to it", async () => {
  // Invited by mail, which is how they would choose a password.
  const user = await until("the customer has a portal user", async () => {
    const users = await master.search<{ id: number }>("res.users", [["login", "=", customer.email]], ["id"])
    return users[0]
  })
  await master.write("res.users", user.id, { password: customer.password })
  const tenant = await theTenant()

  const page = await newPage(wide)
  await signOn(page, masterUrl, customer.email, customer.password)
  await page.goto(`${masterUrl}/my/odoo`)
  await page.locator(".o_saas_portal_card", { hasText: "blue-lantern.localhost" }).click()
  const [tab] = await Promise.all([page.context().waitForEvent("page"), page.locator(".o_saas_portal_open").click()])
  await tab.waitForURL(new RegExp(`^${tenant.url}/(odoo|web)`), patience)
  await tab.locator(".o_web_client .o_user_menu").waitFor(patience)
  const company = await tab.evaluate(async () => {
    const body = {
      jsonrpc: "2.0",
      method: "call",
      params: { model: "res.company", method: "search_read", args: [[], ["name"]], kwargs: {} },
    }
    const answer = await fetch("/web/dataset/call_kw", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    })
    return ((await answer.json()) as { result: { name: string }[] }).result[0]?.name
  })
  assert.equal(company, customer.name)

  // A letter in the company's layout; the program that prints it runs as the tenant's user, behind its firewall.
  const printed = await tab.evaluate(async () => {
    const answer = await fetch("/report/pdf/web.preview_externalreport/1")
    const file = await answer.arrayBuffer()
    return { status: answer.status, bytes: file.byteLength, head: new TextDecoder().decode(file.slice(0, 5)) }
  })
  assert.deepEqual({ ...printed, bytes: 0 }, { status: 200, bytes: 0, head: "%PDF-" })
  assert.ok(printed.bytes > 5_000, `${printed.bytes} bytes are hardly a page`)
})

test("a colleague opens it as themselves once they are invited inside, and never as its administrator", async () => {
  const tenant = await theTenant()
  const colleague = await portalUserOf(customer.name, "Bob@BlueLantern.example")
  const place = { ref: tenant.ref, url: tenant.url }
  const page = await newPage(wide)
  await signOn(page, masterUrl, colleague.login, colleague.password)
  await page.goto(`${masterUrl}/my/odoo/${tenant.id}`)
  const invited = async () => TenantUser.withToken(place, await tokenFrom(page))
  await assert.rejects(invited(), (error) => error instanceof TenantSaidNo && /no active user/.test(error.message))

  const signer = { sidecarUrl: `http://127.0.0.1:${it.ports.sidecar}`, tokenFile: it.secrets.path("nudge-token") }
  const owner = await TenantUser.signOn(signer, place, customer.email)
  // As people write it: in another spelling.
  const values = { name: "Bob", login: "bob@bluelantern.example" }
  const bob = await owner.call<number>("res.users", "create", [values], { context: { no_reset_password: true } })
  assert.equal(await uidOf(await invited()), bob)

  // A login that changes hands inside leads nobody to somebody else's user.
  await owner.call("res.users", "write", [[bob], { login: "bob.jones@bluelantern.example" }])
  await owner.call("res.users", "write", [[await uidOf(owner)], { login: values.login }])
  assert.equal(await uidOf(await invited()), bob)
})

test("the portal fits on a phone", async () => {
  const page = await newPage(phone)
  await signOn(page, masterUrl, customer.email, customer.password)
  for (const path of ["/my/odoo", `/my/odoo/${(await theTenant()).id}`]) {
    await page.goto(masterUrl + path)
    const overflow = await page.evaluate<number>(
      "document.documentElement.scrollWidth - document.documentElement.clientWidth",
    )
    assert.ok(overflow <= 0, `${path} is ${overflow} pixels wider than a phone`)
  }
})

test("no page had an error on the way", () => {
  assert.deepEqual(errors.flat(), [])
})

async function theTenant(): Promise<{ id: number; ref: string; url: string }> {
  const tenants = await master.search<{ id: number; ref: string; url: string }>(
    "saas.tenant",
    [["slug", "=", "blue-lantern"]],
    ["ref", "url"],
  )
  assert.equal(tenants.length, 1)
  return tenants[0] as { id: number; ref: string; url: string }
}

async function portalUserOf(company: string, login: string): Promise<{ login: string; password: string }> {
  const [parent] = await master.search<{ id: number }>("res.partner", [["name", "=", company]], ["id"], 1)
  const [group] = await master.search<{ res_id: number }>(
    "ir.model.data",
    [
      ["module", "=", "base"],
      ["name", "=", "group_portal"],
    ],
    ["res_id"],
  )
  const partner_id = await master.create("res.partner", { name: login, email: login, parent_id: parent?.id })
  const password = "another portal password"
  const context = { no_reset_password: true }
  const values = { login, password, partner_id, group_ids: [[6, 0, [group?.res_id]]] }
  await master.call("res.users", "create", [values], { context })
  return { login, password }
}

/** What the button of the customer's page posts to the tenant, from wherever the person stands. */
async function tokenFrom(page: Page): Promise<string> {
  const form = page.locator("form[action$='/open']")
  const csrf_token = await form.locator("input[name=csrf_token]").inputValue()
  const answer = await page.request.post(`${masterUrl}${await form.getAttribute("action")}`, { form: { csrf_token } })
  const html = await answer.text()
  const token = /name="token" value="([^"]+)"/.exec(html)?.[1]
  assert.ok(token, html)
  return token
}

async function uidOf(user: TenantUser): Promise<number> {
  return (await user.call<{ uid: number }>("res.users", "context_get")).uid
}

test.run()
