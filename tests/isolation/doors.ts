/** Doors of the master, of PostgreSQL and of a neighbour that are open to everybody, and let nobody further than that. */
import { strict as assert } from "node:assert"
import type { Test } from "uvu"
import { openBrowser } from "../helpers/browser.ts"
import type { TenantRow } from "../helpers/sales.ts"
import { visit } from "../helpers/tenant.ts"
import { openWebsocket } from "../helpers/websocket.ts"
import type { Neighbours } from "./neighbours.ts"

export function doors(test: Test, met: () => Neighbours): void {
  test("hears nothing by a page of theirs in a browser whose owner is logged in elsewhere", async () => {
    const { a, b } = met()
    const browser = await openBrowser()
    try {
      const page = await browser.newPage()
      const listen = async (from: TenantRow, to: TenantRow) => {
        await page.goto(`${from.url}/web/login`)
        return await page.evaluate(`new Promise((resolve) => {
          const socket = new WebSocket(${JSON.stringify(`${to.url.replace("http", "ws")}/websocket`)})
          socket.onopen = () => resolve("open")
          socket.onerror = () => resolve("refused")
        })`)
      }
      assert.equal(await listen(b, b), "open")
      assert.equal(await listen(a, b), "refused")
    } finally {
      await browser.close()
    }
  })

  test("is told by the master neither its database nor anybody's events", async () => {
    const { it, a } = met()
    const body = { jsonrpc: "2.0", method: "call", params: { service: "db", method: "db_exist", args: ["master"] } }
    const asked = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }
    const { body: answer } = await visit(`http://localhost:${it.ports.http}/jsonrpc`, asked)
    assert.match(answer, /AccessDenied/)
    assert.doesNotMatch(answer, /Traceback|\.py/)
    const place = { address: "127.0.0.1", port: it.ports.master }
    for (const [origin, wanted] of [
      [`http://127.0.0.1:${it.ports.master}`, 101],
      [a.url, 403],
    ] as const) {
      const { status, socket } = await openWebsocket({ ...place, origin })
      socket?.destroy()
      assert.equal(status, wanted, origin)
    }
  })

  test("takes no more memory in PostgreSQL than one statement may, and it fails alone", async () => {
    const { a, b, intruder, victim } = met()
    const sorted = "SELECT repeat(md5(g::text), 30) AS text FROM generate_series(1, 1500000) g ORDER BY text"
    const greedy = `SET work_mem = '2GB'; SELECT count(*) FROM (${sorted}) AS sorted`
    assert.match(await intruder.sql(a.ref, greedy), /^refused: out of memory/)
    assert.equal(await victim.sql(b.ref, "SELECT 1"), "1")
  })
}
