import { visit } from "../../tests/helpers/tenant.ts"
import { until } from "../../tests/helpers/wait.ts"

/** Resolves once the login page of an Odoo is answered with 200; asks again after so many milliseconds. */
export async function loginPage(url: string, everyMs = 20): Promise<void> {
  const page = `${url}/web/login`
  await until(`${page} is answered with 200`, async () => (await visit(page)).status === 200, {
    seconds: 300,
    everyMs,
  })
}
