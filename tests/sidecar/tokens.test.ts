import { createPublicKey, verify } from "node:crypto"
import { suite } from "uvu"
import * as assert from "uvu/assert"
import { databasePassword } from "../../sidecar/domain/keys.ts"
import { type Message, publicKey, signingKey, signMessage } from "../../sidecar/domain/tokens.ts"
import { aSpec } from "./helpers/spec.ts"

const test = suite("tokens")

const root = Buffer.alloc(32, 7)
const tenant = "tabcdefghij"
const now = Date.UTC(2026, 0, 1)

test("the key that a tenant holds verifies what was signed for it", () => {
  const [first = "", second = ""] = token({ act: "state" }).split(".")
  assert.ok(verifies(first, second))
  assert.not(
    verifies(
      first.replace(/^./, (letter) => (letter === "A" ? "B" : "A")),
      second,
    ),
  )
})

test("a token names its tenant and lives for a minute at most", () => {
  const payload = payloadOf({ act: "state" })
  assert.is(payload.aud, tenant)
  assert.is(payload.iat, now / 1000)
  assert.is((payload.exp as number) - now / 1000, 60)
})

test("no two tokens are the same, so that each can be used once", () => {
  const ids = Array.from({ length: 100 }, () => payloadOf({ act: "state" }).jti)
  assert.is(new Set(ids).size, 100)
  assert.match(String(ids[0]), /^[0-9a-f]{32}$/)
})

test("what is said in them has the names that the tenant knows", () => {
  assert.equal(payloadOf({ act: "bootstrap", data: aSpec().bootstrap }).data, {
    company: "Acme",
    country: "BE",
    lang: "en_US",
    timezone: "Europe/Brussels",
    user_name: "Ann",
    user_login: "ann@acme.example",
  })
  assert.equal(payloadOf({ act: "deactivate_users", data: { keep: 3, staffLogins: ["bob"] } }).data, {
    keep: 3,
    staff_logins: ["bob"],
  })
  const data = {
    fingerprint: "f",
    limits: { users: 5, storageMb: 100 },
    banner: { level: "info", text: "Hallo Zoë" },
    upgradeUrl: "http://localhost/upgrade",
    mail: "no_relay",
    baseUrl: "http://acme.localhost:8080",
  } as const
  assert.equal(payloadOf({ act: "settings", data }).data, {
    fingerprint: "f",
    limits: { users: 5, storage_mb: 100 },
    banner: { level: "info", text: "Hallo Zoë" },
    upgrade_url: "http://localhost/upgrade",
    mail: "no_relay",
    base_url: "http://acme.localhost:8080",
  })
})

test("each tenant has a password of its own, the same every time, and a new one with a new version", () => {
  const password = databasePassword(root, tenant)
  assert.is(databasePassword(root, tenant), password)
  assert.is.not(databasePassword(root, "tabcdefghik"), password)
  assert.is.not(databasePassword(root, tenant, 2), password)
  assert.is.not(databasePassword(Buffer.alloc(32, 8), tenant), password)
  assert.ok(password.length >= 32)
})

test.run()

function token(message: Message): string {
  return signMessage(signingKey(root), tenant, message, now)
}

function payloadOf(message: Message): Record<string, unknown> {
  const [first = ""] = token(message).split(".")
  return JSON.parse(Buffer.from(first, "base64url").toString("utf8")) as Record<string, unknown>
}

/** With nothing but the raw key out of a tenant's configuration, as saas_tenant does it. */
function verifies(first: string, second: string): boolean {
  const raw = Buffer.from(publicKey(root), "base64")
  const key = createPublicKey({
    key: { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") },
    format: "jwk",
  })
  return verify(null, Buffer.from(first, "ascii"), key, Buffer.from(second, "base64url"))
}
