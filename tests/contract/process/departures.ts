/** Visitors who leave before they are answered take nobody's Odoo with them, however it was started. */
import { strict as assert } from "node:assert"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { connect } from "node:net"
import { setTimeout as pause } from "node:timers/promises"
import type { Test } from "uvu"
import type { LoopbackEndpoint } from "../../../sidecar/drivers/process/endpoint.ts"
import { openWebsocket } from "../../helpers/websocket.ts"
import { Tenant } from "../conformance/tenant.ts"
import { Visitors } from "../conformance/visitors.ts"
import { endForkServers, forkServersAreReady, isForked } from "./fork-servers.ts"
import type { ProcessWorld } from "./world.ts"

const leavers = 100
const atOnce = 5
/** Of an upload that is never sent to its end. */
const promisedBytes = 5_000_000

export function departures(test: Test, world: () => ProcessWorld): void {
  for (const kind of ["forked", "executed"] as const) {
    test(`visitors of one that was ${kind} leave by the hundred, and all others are served`, async () => {
      await (kind === "forked" ? forkServersAreReady(world()) : endForkServers(world()))
      const tenant = await new Tenant(world()).make()
      assert.equal(await isForked(world(), tenant), kind === "forked")
      const before = await world().pidOf(tenant.id)
      assert.match(readFileSync(`/proc/${before}/status`, "utf8"), /^Seccomp:\s*2$/m)
      const own = (await world().driver.target.runtime.endpoint(tenant.fence)) as LoopbackEndpoint
      const router = { host: "127.0.0.1", port: world().installation.ports.http }
      const visitors = new Visitors(() => tenant.visit(), 2)
      for (const words of [page, upload, websocket, health]) {
        for (const place of [router, own]) await leaveOften(place, words(tenant.host))
      }
      await visitors.served(10)
      const { status, socket } = await openWebsocket({ address: router.host, port: router.port, host: tenant.host })
      socket?.destroy()
      assert.equal(status, 101)
      assert.deepEqual(await visitors.leave(), new Set([200]))
      assert.equal(await world().pidOf(tenant.id), before)
      const { state, crashes } = await world().driver.target.runtime.observe(tenant.id)
      assert.deepEqual({ state, crashes }, { state: "ready", crashes: 0 })
      await tenant.remove()
    })
  }
}

const page = (host: string) => `GET /web/login HTTP/1.1\r\nHost: ${host}\r\n\r\n`

const upload = (host: string) =>
  `POST /web/login HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/octet-stream\r\n` +
  `Content-Length: ${promisedBytes}\r\n\r\n${"x".repeat(100_000)}`

const websocket = (host: string) =>
  `GET /websocket HTTP/1.1\r\nHost: ${host}\r\nOrigin: http://${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}\r\n\r\n`

/** As a sidecar asks that gives up waiting. */
const health = (host: string) => `GET /web/health?db_server_status=1 HTTP/1.1\r\nHost: ${host}\r\n\r\n`

async function leaveOften(place: LoopbackEndpoint, words: string): Promise<void> {
  let next = 0
  const leave = async () => {
    // After 2 to 50 ms: at every moment of an answer there is somebody who goes.
    for (let one = next++; one < leavers; one = next++) await leaveAfter(place, words, 2 + ((one * 7) % 49))
  }
  await Promise.all(Array.from({ length: atOnce }, leave))
}

async function leaveAfter(place: LoopbackEndpoint, words: string, ms: number): Promise<void> {
  const socket = connect(place)
  // It may be sent away before it goes.
  socket.on("error", () => undefined)
  const closed = once(socket, "close")
  await once(socket, "connect")
  socket.write(words)
  await pause(ms)
  socket.resetAndDestroy()
  await closed
}
