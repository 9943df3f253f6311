import { type Browser, chromium, type Page } from "playwright-core"

/**
 * Debian's browser; set `CHROMIUM_BIN` for another one. Without the last flags it looks for hosts on the internet.
 * When this process is told to end, it closes the browser and exits, unless `leaveSignals` says that others do that.
 * `hostRules` (Chromium's `--host-resolver-rules`) leads hosts and ports elsewhere than their names say.
 */
export function openBrowser({ leaveSignals = false, hostRules = "" } = {}): Promise<Browser> {
  return chromium.launch({
    handleSIGINT: !leaveSignals,
    handleSIGTERM: !leaveSignals,
    handleSIGHUP: !leaveSignals,
    executablePath: process.env.CHROMIUM_BIN ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...(hostRules ? [`--host-resolver-rules=${hostRules}`] : []),
    ],
  })
}

export const wide = { width: 1440, height: 900 }
export const phone = { width: 390, height: 844 }

/** Signs on to the master's backend with a password, as staff do. */
export async function signOn(page: Page, url: string, login: string, password: string): Promise<void> {
  await page.goto(`${url}/web/login`)
  const form = page.locator("form.oe_login_form")
  await form.locator("input[name=login]").fill(login)
  await form.locator("input[name=password]").fill(password)
  await form.locator("button[type=submit]").click()
  await page.waitForURL(/\/(odoo|my|web)(\/|$|\?|#)/)
}

/** Everything that a page reported as an error while it was looked at. */
export function collectErrors(page: Page): string[] {
  const errors: string[] = []
  page.on("pageerror", (error) => errors.push(error.message))
  page.on("response", (response) => {
    if (response.status() >= 500) errors.push(`${response.status()} ${response.url()}`)
  })
  return errors
}
