import { once } from "node:events"
import { type AddressInfo, createServer } from "node:net"
import { test } from "uvu"
import * as assert from "uvu/assert"
import { demandFree, everyAddress, holderOf, isFree } from "../../scripts/lib/ports.ts"

test("a taken port is named with its holder and the setting to change", async () => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  assert.not(await isFree(port))
  assert.match(holderOf(port) ?? "", new RegExp(`\\(pid ${process.pid}\\)$`))
  try {
    await demandFree(port, "HTTP_PORT", "nginx")
    assert.unreachable()
  } catch (error) {
    assert.match((error as Error).message, `Port ${port} for nginx is taken by`)
    assert.match((error as Error).message, /HTTP_PORT=\d+ npm start/)
  }
  server.close()
  await once(server, "close")
  assert.ok(await isFree(port))
})

test("who listens elsewhere is not in the way, and who listens everywhere is", async () => {
  const server = createServer().listen(0, "127.0.0.3")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  assert.is(holderOf(port), null)
  assert.ok(await isFree(port))
  assert.not(await isFree(port, everyAddress))
  for (const host of ["127.0.0.3", everyAddress]) assert.match(holderOf(port, host) ?? "", `(pid ${process.pid})`)
  server.close()
  await once(server, "close")
  const everywhere = createServer().listen(port, everyAddress)
  await once(everywhere, "listening")
  assert.not(await isFree(port, "127.66.0.1"))
  assert.match(holderOf(port, "127.66.0.1") ?? "", `(pid ${process.pid})`)
  everywhere.close()
  await once(everywhere, "close")
})

test.run()
