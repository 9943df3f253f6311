/** Two people sell the same address in the same instant: one gets it, and the other reads why not, in their language. */
import { strict as assert } from "node:assert"
import { suite } from "uvu"
import { hold } from "../helpers/hold.ts"
import { type Installation, makeInstallation } from "../helpers/installation.ts"
import { Master, MasterSaidNo } from "../helpers/master.ts"
import { draftQuotation } from "../helpers/sales.ts"
import { until } from "../helpers/wait.ts"

const test = suite("the same address for two")

let it: Installation
let master: Master

test.before(async () => {
  it = await makeInstallation("address", { parts: "master" })
  master = new Master(it.master)
})

test.after(() => it.destroy())

test("one of two who confirm at once gets it, and the other is told to choose another one", async () => {
  await speakGerman()
  const orders = [await draftQuotation(master, { slug: "coveted" }), await draftQuotation(master, { slug: "coveted" })]
  const browsers = [await Browser.signOn(), await Browser.signOn()]
  const letGo = await hold(it.postgres, "master", "LOCK TABLE saas_tenant IN SHARE MODE")
  const confirmed = orders.map((order, index) => browsers[index]?.confirm(order))
  // Both have looked, and for both the address was free: only who writes is held up.
  await until("both want to write", async () => (await waiting()) === 2)
  await letGo()
  const outcomes = await Promise.allSettled(confirmed)
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ["fulfilled", "rejected"])
  const refused = outcomes.find((outcome) => outcome.status === "rejected")
  assert.ok(refused?.reason instanceof MasterSaidNo, String(refused?.reason))
  assert.match(refused.reason.message, /Diese Adresse ist gerade vergeben worden\. Wählen Sie eine andere\./)

  const tenants = await master.search<{ order_id: [number, string] }>(
    "saas.tenant",
    [["slug", "=", "coveted"]],
    ["order_id"],
  )
  const winner = orders[outcomes.findIndex(({ status }) => status === "fulfilled")]
  assert.deepEqual(
    tenants.map(({ order_id }) => order_id[0]),
    [winner],
  )
  const states = await master.search<{ state: string }>("sale.order", [["id", "in", orders]], ["state"])
  assert.deepEqual(states.map(({ state }) => state).sort(), ["draft", "sale"])
})

async function speakGerman(): Promise<void> {
  const [german] = await master.call<{ id: number }[]>("res.lang", "search_read", [[["code", "=", "de_DE"]]], {
    fields: ["id"],
    context: { active_test: false },
  })
  const wizard = await master.create("base.language.install", { lang_ids: [[6, 0, [german?.id]]] })
  await master.call("base.language.install", "lang_install", [[wizard]])
  await master.call("res.users", "write", [[2], { lang: "de_DE" }])
}

/** Somebody who clicks in the web client, which knows their language. */
class Browser {
  readonly #cookie: string

  private constructor(cookie: string) {
    this.#cookie = cookie
  }

  static async signOn(): Promise<Browser> {
    const { db, login, password } = it.master
    const { cookie } = await post("/web/session/authenticate", "", { db, login, password })
    return new Browser(cookie)
  }

  async confirm(order: number): Promise<unknown> {
    const params = { model: "sale.order", method: "action_confirm", args: [[order]], kwargs: {} }
    return (await post("/web/dataset/call_kw", this.#cookie, params)).result
  }
}

async function post(path: string, cookie: string, params: object): Promise<{ result: unknown; cookie: string }> {
  const response = await fetch(`${it.master.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", cookie },
    body: JSON.stringify({ jsonrpc: "2.0", method: "call", id: 1, params }),
  })
  const { result, error } = (await response.json()) as { result?: unknown; error?: { data?: { message: string } } }
  if (error) throw new MasterSaidNo(error.data?.message)
  const session = /session_id=[^;]+/.exec(response.headers.getSetCookie().join(";"))?.[0]
  return { result, cookie: session ?? cookie }
}

async function waiting(): Promise<number> {
  const question = `SELECT FROM pg_stat_activity
    WHERE datname = 'master' AND wait_event_type = 'Lock' AND query LIKE '%INTO "saas_tenant"%'`
  const { rowCount } = await it.postgres.query("postgres", (client) => client.query(question))
  return rowCount ?? 0
}

test.run()
