/** `npm run screenshots`: pictures of a real installation, made in docs/screenshots. */
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import type { Browser, Page } from "playwright-core"
import { openBrowser, phone, signOn, wide } from "../tests/helpers/browser.ts"
import { type Installation, makeInstallation } from "../tests/helpers/installation.ts"
import { Master } from "../tests/helpers/master.ts"
import { confirmQuotation, draftQuotation, type TenantRow, waitForPhase } from "../tests/helpers/sales.ts"
import { until } from "../tests/helpers/wait.ts"
import { buildOwl } from "./build-owl.ts"
import { ensureOdoo } from "./lib/odoo.ts"
import { ensurePackages } from "./lib/packages.ts"
import { repo } from "./lib/paths.ts"
import { showProgress } from "./lib/progress.ts"

const folder = join(repo, "docs", "screenshots")
const portalPassword = "for these pictures only"

async function takeAll(it: Installation, browser: Browser): Promise<void> {
  const master = new Master(it.master)
  const url = `http://localhost:${it.ports.http}`
  const slugs = ["north-bakery", "globex", "initech", "hooli"]
  const tenants = await Promise.all(slugs.map((slug) => confirmQuotation(master, { slug })))
  for (const { id } of tenants) await waitForPhase(master, id, "running")
  const [first, suspended] = tenants as [TenantRow, TenantRow]
  const wizard = await master.create("saas.tenant.suspend", {
    tenant_id: suspended.id,
    reason: "The invoice of October is unpaid. Please pay it in your customer portal.",
  })
  await master.call("saas.tenant.suspend", "action_confirm", [[wizard]])
  await waitForPhase(master, suspended.id, "suspended")
  const order = await draftQuotation(master, { slug: "blue-lantern" })

  const staff = await open(browser, wide)
  await signOn(staff, url, it.master.login, it.master.password)
  await take(staff, `${url}/odoo/saas-fleet`, ".o_saas_fleet_body", "fleet")
  await take(staff, `${url}/odoo/saas-tenants/${first.id}`, ".o_saas_timeline[data-state=done]", "tenant")
  await take(staff, `${url}/odoo/saas-tenants`, ".o_kanban_record, .o_data_row", "tenants")
  await take(staff, `${url}/odoo/sales/${order}`, ".o_field_widget[name=saas_slug]", "quotation")

  const login = `owner@${first.slug}.example`
  const user = await until("the customer has a portal user", async () => {
    return (await master.search<{ id: number }>("res.users", [["login", "=", login]], ["id"]))[0]
  })
  await master.write("res.users", user.id, { password: portalPassword })
  for (const [name, viewport] of [["portal", wide] as const, ["portal-phone", phone] as const]) {
    const page = await open(browser, viewport)
    await signOn(page, url, login, portalPassword)
    await take(page, `${url}/my/odoo/${first.id}`, ".o_saas_portal_open", name)
    if (viewport === phone) continue
    const [tab] = await Promise.all([page.context().waitForEvent("page"), page.locator(".o_saas_portal_open").click()])
    await tab.locator(".o_web_client .o_user_menu").waitFor()
    await tab.screenshot({ path: join(folder, "customers-odoo.png") })
  }
  await take(await open(browser, wide), suspended.url, "h1", "suspended")
  const small = await open(browser, phone)
  await signOn(small, url, it.master.login, it.master.password)
  await take(small, `${url}/odoo/saas-fleet`, ".o_saas_fleet_body", "fleet-phone")
}

async function open(browser: Browser, viewport: { width: number; height: number }): Promise<Page> {
  const page = await (await browser.newContext({ viewport })).newPage()
  page.setDefaultTimeout(60_000)
  return page
}

async function take(page: Page, url: string, awaited: string, name: string): Promise<void> {
  await page.goto(url)
  await page.locator(awaited).first().waitFor({ state: "visible" })
  await page.screenshot({ path: join(folder, `${name}.png`) })
}

const progress = showProgress()
await ensurePackages("test", progress)
await ensureOdoo(progress)
await progress("build the OWL bundles", () => buildOwl())
mkdirSync(folder, { recursive: true })
const it = await progress("make an installation", () => makeInstallation("screenshots", { parts: "all" }))
try {
  const browser = await openBrowser()
  try {
    await progress("take the pictures", () => takeAll(it, browser))
  } finally {
    await browser.close()
  }
} finally {
  await it.destroy()
}
console.log(`The pictures are in ${folder}.`)
