import { once } from "node:events"
import { type AddressInfo, createServer } from "node:net"
import { test } from "uvu"
import * as assert from "uvu/assert"
import { demandFree, holderOf, isFree } from "../../scripts/lib/ports.ts"

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

test.run()
