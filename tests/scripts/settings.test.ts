import { test } from "uvu"
import * as assert from "uvu/assert"
import { demandSame, startSettings } from "../../scripts/lib/settings.ts"

const before = { ...process.env }
test.after.each(() => {
  for (const name of ["HTTP_PORT", "SIDECAR_PORT", "TENANT_UID_BASE", "TENANT_NETWORK"]) delete process.env[name]
  Object.assign(process.env, before)
})

test("a setting that cannot be is told with what it should look like", () => {
  const wrong = { HTTP_PORT: "80a", TENANT_UID_BASE: "many", TENANT_NETWORK: "10.0.0.0" }
  for (const [name, value] of Object.entries(wrong)) {
    process.env[name] = value
    assert.throws(startSettings, new RegExp(`${name} is "${value}": give`))
    delete process.env[name]
  }
})

test("an empty setting is like one that is not there", () => {
  process.env.TENANT_UID_BASE = ""
  process.env.HTTP_PORT = ""
  assert.is(startSettings().uidBase, 200_000)
  assert.is(startSettings().ports.http, 8080)
})

test("two servers cannot have one port", () => {
  process.env.HTTP_PORT = "8071"
  assert.throws(startSettings, /HTTP_PORT and SIDECAR_PORT are both 8071/)
})

test("what runs is not started with other settings", () => {
  const running = startSettings()
  demandSame(running, { ...running })
  process.env.HTTP_PORT = "9080"
  assert.throws(() => demandSame(running, startSettings()), /runs with HTTP_PORT=8080, not with 9080. npm stop first/)
})

test.run()
