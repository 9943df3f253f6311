/**
 * From Confirm to the customer's own web client, signed on, in a real browser: they look at their page in the portal
 * while their Odoo is being made, and press Open as soon as it is offered. Their browser has never seen that Odoo.
 */
import type { Browser } from "playwright-core"
import { openBrowser, signOn, wide } from "../../tests/helpers/browser.ts"
import type { Session } from "../lib/benchmark.ts"
import type { Measurement } from "../lib/measurement.ts"
import { bundlesSince, momentOf } from "./bundles.ts"
import { letIntoPortal } from "./portal-user.ts"
import { WebClient } from "./web-client.ts"
import type { World } from "./world.ts"

const rounds = 10
const patienceMs = 120_000

interface Round {
  readonly seconds: number
  readonly bundles: number
}

export async function confirmToClient(world: World, { cleanUp, note, signal }: Session): Promise<Measurement[]> {
  const browser = await openBrowser({ leaveSignals: true })
  const close = cleanUp.defer(() => browser.close())
  const done: Round[] = []
  for (let round = 1; round <= rounds; round++) {
    signal.throwIfAborted()
    note(`${round} of ${rounds}`)
    done.push(await oneCustomer(world, browser, `client-${round}`))
  }
  await close()
  return [
    { name: "confirm-to-client", unit: "s", values: done.map(({ seconds }) => seconds), atMost: { p50: 6 } },
    {
      name: "bundles-built-while-waiting",
      unit: "bundles",
      values: done.map(({ bundles }) => bundles),
      atMost: { max: 0 },
    },
  ]
}

async function oneCustomer({ it, master, customers }: World, browser: Browser, slug: string): Promise<Round> {
  const portal = `http://localhost:${it.ports.http}`
  const order = await customers.draft(slug)
  const { login, password } = await letIntoPortal(master, order)
  const context = await browser.newContext({ viewport: wide })
  context.setDefaultTimeout(patienceMs)
  const page = await context.newPage()
  await signOn(page, portal, login, password)
  const client = new WebClient(context, it.tenantUrl(slug))
  const moment = await momentOf(it.postgres)

  const begun = performance.now()
  const tenant = await customers.confirm(order)
  await page.goto(`${portal}/my/odoo/${tenant.id}`)
  const [tab] = await Promise.all([context.waitForEvent("page"), page.locator(".o_saas_portal_open").click()])
  const seconds = ((await client.loaded(tab)) - begun) / 1000

  const bundles = await bundlesSince(it.postgres, tenant.ref, moment)
  await context.close()
  await customers.suspend(tenant)
  return { seconds, bundles }
}
