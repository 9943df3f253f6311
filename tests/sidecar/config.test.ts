import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { suite } from "uvu"
import * as assert from "uvu/assert"
import {
  ConfigError,
  exampleEnvironment,
  readConfig,
  relayOf,
  repository,
  tenantUrlPort,
} from "../../sidecar/config.ts"

const test = suite("config")

let folder = ""
let complete: Record<string, string> = {}

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "saas-config-"))
  complete = {
    MASTER_PASSWORD_FILE: secretFile("master", "let me in\n"),
    PG_OPERATOR_PASSWORD_FILE: secretFile("operator", "and me"),
    ROOT_KEY_FILE: secretFile("root-key", `${"0a".repeat(32)}\n`),
    NUDGE_TOKEN_FILE: secretFile("nudge", "wake up"),
    ODOO_HOME: "/opt/odoo",
  }
})

test.after.each(() => rmSync(folder, { recursive: true, force: true }))

test("what is not given has a default, and secrets come out of their files without the line's end", () => {
  const config = readConfig(complete)
  assert.is(config.MASTER_URL, "http://127.0.0.1:8069")
  assert.is(config.POLL_SECONDS, 2)
  assert.is(config.MASTER_PASSWORD_FILE, "let me in")
  assert.is(config.ROOT_KEY_FILE.length, 32)
  assert.is(config.SMTP_HOST, null)
  assert.is(config.SAAS_STATE_DIR, join(repository, ".saas"))
})

test("an empty variable is like one that is not there", () => {
  assert.is(readConfig({ ...complete, SIDECAR_PORT: "" }).SIDECAR_PORT, 8071)
})

test("all mistakes are told at once, each with its variable and what to do", () => {
  const problems = mistakesOf({
    SIDECAR_PORT: "80711",
    MASTER_URL: "127.0.0.1:8069",
    LOG_LEVEL: "loud",
    ROOT_KEY_FILE: secretFile("short-key", "abcd"),
    NUDGE_TOKEN_FILE: join(folder, "nowhere"),
    PG_OPERATOR_PASSWORD_FILE: secretFile("empty", ""),
  })
  assert.match(problems, 'SIDECAR_PORT is "80711": give a whole number from 1 to 65535')
  assert.match(problems, 'MASTER_URL is "127.0.0.1:8069": write it as http://')
  assert.match(problems, 'LOG_LEVEL is "loud": give one of fatal, error')
  assert.match(problems, "short-key, which does not hold 64 hexadecimal characters")
  assert.match(problems, /NUDGE_TOKEN_FILE names .*nowhere, which cannot be read \(ENOENT\)/)
  assert.match(problems, /PG_OPERATOR_PASSWORD_FILE names .*empty, which is empty/)
  assert.match(problems, "MASTER_PASSWORD_FILE is not set. File with")
  assert.match(problems, "ODOO_HOME or ODOO_BIN: give one of them")
})

test("no secret shows in what is said about it", () => {
  const problems = mistakesOf({ ...complete, ROOT_KEY_FILE: secretFile("bad", "hunter2") })
  assert.not.match(problems, "hunter2")
})

test("an address shows its port only where people have to write it", () => {
  const port = (given: Record<string, string>) => tenantUrlPort(readConfig({ ...complete, ...given }))
  assert.is(port({}), ":8080")
  assert.is(port({ HTTP_PORT: "80" }), "")
  const https = { TENANT_URL_SCHEME: "https", TRUSTED_PROXIES: "10.0.0.5" }
  assert.is(port({ ...https, TENANT_URL_PORT: "443" }), "")
  assert.is(port({ ...https, HTTP_PORT: "80" }), ":80")
})

test("nobody is trusted who is not named, and https needs somebody who ends it", () => {
  assert.equal(readConfig(complete).TRUSTED_PROXIES, [])
  const named = readConfig({ ...complete, TRUSTED_PROXIES: "10.0.0.5, 192.168.0.0/24 fd00::/8" })
  assert.equal(named.TRUSTED_PROXIES, ["10.0.0.5", "192.168.0.0/24", "fd00::/8"])
  for (const wrong of ["proxy.example", "10.0.0.0/33", "10.0.0.5; }", "10.0.0.0/24/8", "10.0.0.0/"]) {
    assert.match(mistakesOf({ ...complete, TRUSTED_PROXIES: wrong }), "TRUSTED_PROXIES names")
  }
  assert.match(mistakesOf({ ...complete, TENANT_URL_SCHEME: "https" }), "name the proxy that ends TLS")
})

test("a relay is spoken to plainly unless something else is said", () => {
  assert.is(relayOf(readConfig({ ...complete, SMTP_HOST: "relay" }))?.encryption, "none")
  const pem = "-----BEGIN CERTIFICATE-----\nMII…\n-----END CERTIFICATE-----"
  const given = { SMTP_HOST: "relay", SMTP_ENCRYPTION: "ssl", SMTP_CA_FILE: secretFile("ca.pem", pem) }
  assert.is(relayOf(readConfig({ ...complete, ...given }))?.certificates, pem)
  assert.match(mistakesOf({ ...complete, SMTP_ENCRYPTION: "tls" }), 'SMTP_ENCRYPTION is "tls": give one of none')
  assert.match(mistakesOf({ ...complete, SMTP_CA_FILE: secretFile("no.pem", "hello") }), "holds no certificate")
})

test(".env.example is what the table of settings says", () => {
  assert.fixture(readFileSync(join(repository, ".env.example"), "utf8"), exampleEnvironment())
})

test.run()

function secretFile(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content, { mode: 0o600 })
  return path
}

function mistakesOf(environment: Record<string, string>): string {
  try {
    readConfig(environment)
  } catch (error) {
    assert.instance(error, ConfigError)
    return (error as ConfigError).message
  }
  throw new Error("these settings were taken as right")
}
