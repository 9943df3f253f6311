/**
 * `npm run screenshots`: the pictures of the documentation, taken from a fresh installation with some customers in
 * it, so that they always show what the code does now. They go to `docs/screenshots`.
 */
import { mkdirSync } from "node:fs"
import { join, relative } from "node:path"
import type { Browser, Locator, Page } from "playwright-core"
import { openBrowser, phone, signOn, wide } from "../tests/helpers/browser.ts"
import { type Installation, makeInstallation } from "../tests/helpers/installation.ts"
import { Master } from "../tests/helpers/master.ts"
import { type Customer, makeCustomers, type Showcase } from "../tests/helpers/showcase.ts"
import { buildOwl } from "./build-owl.ts"
import { ensureOdoo } from "./lib/odoo.ts"
import { ensurePackages } from "./lib/packages.ts"
import { repo } from "./lib/paths.ts"
import { showProgress } from "./lib/progress.ts"

const folder = join(repo, "docs", "screenshots")
/** The port that addresses in the pictures have; the browser is led from it to the one that is served. */
const shownPort = 8080
/** A page of Odoo's backend loads a lot when it is the first one. */
const patience = 120_000

interface Studio {
  readonly it: Installation
  readonly browser: Browser
  readonly masterUrl: string
  readonly show: Showcase
}

/** A page of its own, with the cookies of nobody. */
async function newPage({ browser }: Studio, viewport = wide): Promise<Page> {
  const page = await (await browser.newContext({ viewport, reducedMotion: "reduce" })).newPage()
  page.setDefaultTimeout(patience)
  return page
}

async function staffPage(studio: Studio, viewport = wide): Promise<Page> {
  const page = await newPage(studio, viewport)
  await signOn(page, studio.masterUrl, studio.it.master.login, studio.it.master.password)
  return page
}

async function customerPage(studio: Studio, customer: Customer, viewport = wide): Promise<Page> {
  const page = await newPage(studio, viewport)
  await signOn(page, studio.masterUrl, customer.email, customer.password)
  return page
}

/** All images and fonts are there, and nothing says that it is still loading. */
const settled = `document.fonts.status === "loaded"
  && [...document.images].every((image) => image.complete)
  && !document.querySelector(".fa-spin, .o-mail-Chatter button:disabled")`

/** Once what the picture is about is there. */
async function take(name: string, page: Page, subject: Locator): Promise<void> {
  await subject.first().waitFor()
  await page.waitForFunction(settled)
  await page.mouse.move(0, 0)
  const path = join(folder, `${name}.png`)
  await page.screenshot({ path, animations: "disabled", caret: "hide" })
  console.log(`    ${relative(repo, path)}`)
}

async function takeStaffPictures(studio: Studio): Promise<void> {
  const { masterUrl, show } = studio
  const page = await staffPage(studio)
  await page.goto(`${masterUrl}/odoo/saas-fleet`)
  await take("fleet", page, page.locator(".o_action_manager").getByText(show.failed.name))
  await page.goto(`${masterUrl}/odoo/saas-tenants/${show.running.tenant.id}`)
  await take("tenant", page, page.locator(".o_saas_timeline[data-state=done]"))
  await page.goto(`${masterUrl}/odoo/saas-tenants`)
  await take("tenants", page, page.locator(".o_data_row", { hasText: show.failed.name }))
  await page.goto(`${masterUrl}/odoo/sales/${show.quotation}`)
  await take("quotation", page, page.getByText("http://maple-street.localhost"))

  const small = await staffPage(studio, phone)
  await small.goto(`${masterUrl}/odoo/saas-fleet`)
  await take("fleet-phone", small, small.locator(".o_action_manager").getByText(show.failed.name))
}

async function takeCustomerPictures(studio: Studio): Promise<void> {
  const { masterUrl, show } = studio
  const portal = `${masterUrl}/my/odoo/${show.running.tenant.id}`
  const page = await customerPage(studio, show.running)
  await page.goto(portal)
  await take("portal", page, page.locator(".o_saas_portal_open"))

  const [tenant] = await Promise.all([page.context().waitForEvent("page"), page.locator(".o_saas_portal_open").click()])
  tenant.setDefaultTimeout(patience)
  await tenant.locator(".o_web_client .o_main_navbar").waitFor()
  await tenant.goto(`${show.running.tenant.url}/odoo/crm`)
  await take("tenant-odoo", tenant, tenant.locator(".o_kanban_record:not(.o_kanban_ghost)"))

  const small = await customerPage(studio, show.running, phone)
  await small.goto(portal)
  await take("portal-phone", small, small.locator(".o_saas_portal_open"))

  const visitor = await newPage(studio)
  await visitor.goto(show.suspended.tenant.url)
  await take("suspended", visitor, visitor.getByText("This Odoo is paused"))
}

/** Addresses are shown as a standard installation has them, whose ports may be in use by one. */
async function showStandardPort(master: Master): Promise<void> {
  const parameters = { "saas.url_port": String(shownPort), "web.base.url": `http://localhost:${shownPort}` }
  for (const [key, value] of Object.entries(parameters)) {
    await master.call("ir.config_parameter", "set_param", [key, value])
  }
}

const progress = showProgress()
await ensurePackages("test", progress)
await ensureOdoo(progress)
await progress("build the OWL bundles", () => buildOwl())
mkdirSync(folder, { recursive: true })
const it = await progress("start an installation", () => makeInstallation("screenshots", { parts: "all" }))
try {
  const master = new Master(it.master)
  await showStandardPort(master)
  const show = await progress("make customers", () => makeCustomers(it, master))
  const served = `127.0.0.1:${it.ports.http}`
  const hosts = ["localhost", "*.localhost"].map((host) => `MAP ${host}:${shownPort} ${served}`)
  const browser = await openBrowser({ hostRules: hosts.join(",") })
  try {
    const studio = { it, browser, show, masterUrl: `http://localhost:${shownPort}` }
    await progress("take pictures as staff", () => takeStaffPictures(studio))
    await progress("take pictures as a customer", () => takeCustomerPictures(studio))
  } finally {
    await browser.close()
  }
} finally {
  await it.destroy()
}
