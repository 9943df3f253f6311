/** What an Odoo of ours opens to nobody, asked past every router. */
import { strict as assert } from "node:assert"
import type { Test } from "uvu"
import { type Answer, visit } from "../helpers/tenant.ts"
import { until } from "../helpers/wait.ts"
import { openWebsocket } from "../helpers/websocket.ts"
import type { BareOdoo } from "./bare-odoo.ts"

/** Folders, files and lines of a program. */
const inside = /Traceback|File "|\.py\b|\/usr\/|connection to server/

type Call = readonly [service: string, method: string, ...args: readonly (string | number)[]]

interface Launched {
  end(): Promise<void>
}

export function doors(test: Test, opened: () => BareOdoo, launch: () => Launched): void {
  let odoo: Launched

  const ask = (path: string, options: Parameters<typeof visit>[1] = {}): Promise<Answer> =>
    visit(`http://127.0.0.1:${opened().port}${path}`, options)

  const json = (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const typed = { "content-type": "application/json", ...headers }
    return ask(path, { method: "POST", headers: typed, body: JSON.stringify(body) })
  }

  const jsonRpc = ([service, method, ...args]: Call) =>
    json("/jsonrpc", { jsonrpc: "2.0", method: "call", params: { service, method, args } })

  const xmlRpc = ([service, method, ...args]: Call) => {
    const values = args.map((arg) => (typeof arg === "number" ? `<int>${arg}</int>` : `<string>${arg}</string>`))
    const params = values.map((value) => `<param><value>${value}</value></param>`).join("")
    const body = `<methodCall><methodName>${method}</methodName><params>${params}</params></methodCall>`
    return ask(`/xmlrpc/2/${service}`, { method: "POST", headers: { "content-type": "text/xml" }, body })
  }

  test("an Odoo is asked past every router", async () => {
    odoo = launch()
    await until("it serves", () => opened().answers("/web/health?db_server_status=1"), { seconds: 60 })
  })

  test("the service for databases names none, and the manager is not there", async () => {
    const { database } = opened()
    for (const call of [
      ["db", "db_exist", database],
      ["db", "list"],
      ["db", "list_lang"],
      ["db", "drop", "admin", database],
      ["db", "dump", "", database, "zip"],
      ["db", "change_admin_password", "admin", "mine"],
      ["db", "nothing"],
    ] as const) {
      for (const { body } of [await jsonRpc(call), await xmlRpc(call)]) {
        assert.match(body, /Access ?Denied/, call.join(" "))
        assert.doesNotMatch(body, inside, call.join(" "))
      }
    }
    assert.match((await xmlRpc(["db", "server_version"])).body, /<string>19\.0/)
    for (const path of ["manager", "selector", "list", "create"]) {
      assert.equal((await ask(`/web/database/${path}`, { method: "POST" })).status, 404, path)
    }
  })

  test("who has not signed in sees no traceback, at whatever door something goes wrong", async () => {
    const { database } = opened()
    const calls: readonly Call[] = [
      ["common", "authenticate", "elsewhere", "admin", "admin", ""],
      ["common", "authenticate", database],
      ["common", "nothing"],
      ["nothing", "nothing"],
      ["object", "execute_kw", "elsewhere", 2, "admin", "res.users", "read"],
      ["object", "execute_kw", database, 2, "wrong", "res.users", "read", 1],
      ["object", "execute_kw", database, "²", "wrong", "res.users", "read", 1],
      ["object", "execute_kw"],
    ]
    const answers = [
      ...(await Promise.all(calls.flatMap((call) => [jsonRpc(call), xmlRpc(call)]))),
      await json("/json/2/res.users/read", {}, { authorization: "Bearer mine" }),
      await json("/json/2/res.users/read", {}, { "x-odoo-database": "elsewhere", authorization: "Bearer mine" }),
      await json("/json/2/nothing", {}),
      await json("/web/dataset/call_kw", { params: { model: "res.users", method: "read", args: [], kwargs: {} } }),
      await json("/web/session/authenticate", { params: { db: "elsewhere", login: "admin", password: "admin" } }),
      await ask("/web/content?id=²&debug=1"),
      await ask("/xmlrpc/2/common", { method: "POST", body: "no XML" }),
    ]
    for (const { status, body } of answers) assert.doesNotMatch(body, inside, `${status} ${body}`)
    assert.match(
      (await jsonRpc(["common", "authenticate", "elsewhere", "a", "b", ""])).body,
      /serves one database only/,
    )
  })

  test("who has signed in sees what their own program did wrong", async () => {
    const { database } = opened()
    await opened().sql("UPDATE res_users SET password = 'known' WHERE id = 2")
    const wrong: Call = ["object", "execute_kw", database, 2, "known", "res.users", "search", "no domain"]
    assert.match((await xmlRpc(wrong)).body, /Traceback/)
    assert.match((await jsonRpc(wrong)).body, /Traceback/)
  })

  test("a request that names no host, or more than one, is not answered", async () => {
    const from = (headers: Record<string, string>) => ask("/web/login", { headers })
    for (const host of ["a:80@evil.example", "a b", "a/b", "a:b", "a:123456"]) {
      assert.equal((await from({ host })).status, 400, host)
      assert.equal((await from({ "x-forwarded-host": `${host}\t` })).status, 400, `forwarded ${host}`)
    }
    for (const host of ["Acme.Localhost.:8069", "[::1]:8069"]) assert.equal((await from({ host })).status, 200, host)
  })

  test("a cookie that a neighbour has set for the domain above both keeps nobody from signing in", async () => {
    const session = (answer: Answer) => /session_id=([^;]+)/.exec(String(answer.headers["set-cookie"]))?.[1] ?? ""
    const signOn = { params: { db: opened().database, login: "admin", password: "known" } }
    for (const neighbours of ["x", "A".repeat(84), session(await ask("/web/login"))]) {
      const foreign = `session_id=${neighbours}`
      const signedOn = session(await json("/web/session/authenticate", signOn, { cookie: foreign }))
      assert.notEqual(signedOn, "")
      for (const cookie of [`${foreign}; a=b; session_id=${signedOn}`, `session_id=${signedOn}; ${foreign}`]) {
        const { body } = await json("/web/session/get_session_info", { params: {} }, { cookie })
        assert.match(body, /"username": "admin"/, cookie)
      }
    }
  })

  test("a websocket is for the pages of its own host only", async () => {
    const place = { address: "127.0.0.1", port: opened().port }
    for (const [origin, wanted] of [
      [undefined, 101],
      ["https://evil.example", 403],
      ["null", 403],
      [`http://127.0.0.1.evil.example:${place.port}`, 403],
    ] as const) {
      const { status, socket } = await openWebsocket({ ...place, ...(origin ? { origin } : {}) })
      socket?.destroy()
      assert.equal(status, wanted, origin)
    }
    await odoo.end()
  })
}
