import { suite } from "uvu"
import * as assert from "uvu/assert"
import { RetryableError } from "../../sidecar/domain/errors.ts"
import { signingKey } from "../../sidecar/domain/tokens.ts"
import { TenantControl } from "../../sidecar/reconcile/tenant-control.ts"

const test = suite("what a tenant says is a tenant's word")

const key = signingKey(Buffer.alloc(32, 5))

test("what it has applied is believed as far as it is well-formed", async () => {
  const body = JSON.stringify({ ok: true, bootstrapped: true, settings: "abc", users: 3 })
  assert.equal(await answering(200, body).state("t"), { bootstrapped: true, settings: "abc" })
})

for (const [what, body] of [
  ["no JSON", "<html>"],
  ["nothing", ""],
  ["no answer to the question", "{}"],
  ["another type", JSON.stringify({ ok: true, bootstrapped: "yes", settings: 7 })],
  ["a novel", JSON.stringify({ ok: true, bootstrapped: true, settings: "x".repeat(10_000) })],
] as const) {
  test(`${what} is as if it had not answered`, async () => {
    assert.is(await answering(200, body).state("t"), null)
  })
}

test("nobody answering is no error where one only asks", async () => {
  const control = new TenantControl({ request: () => Promise.reject(new RetryableError("refused")) }, key)
  assert.is(await control.state("t"), null)
})

test("a refusal says why, in the tenant's words", async () => {
  const error = await refusal(422, JSON.stringify({ ok: false, error: "There is no language xx." }))
  assert.match(error.message, 'did not accept the message "bootstrap" (HTTP 422): There is no language xx.')
})

test("a refusal without a reason, or with far too much of it, is still readable", async () => {
  assert.match((await refusal(500, "<html>")).message, "(HTTP 500)")
  const long = await refusal(422, JSON.stringify({ ok: false, error: "no ".repeat(5000) }))
  assert.ok(long.message.length < 500)
})

test.run()

function answering(status: number, body: string): TenantControl {
  return new TenantControl({ request: async () => ({ status, body }) }, key)
}

async function refusal(status: number, body: string): Promise<Error> {
  const data = { company: "", country: "", lang: "", timezone: "", userName: "", userLogin: "" }
  try {
    await answering(status, body).tell("t", { act: "bootstrap", data })
  } catch (error) {
    assert.instance(error, RetryableError)
    return error as Error
  }
  throw new Error("It was accepted")
}
