import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { suite } from "uvu"
import * as assert from "uvu/assert"
import { ConfigError, exampleEnvironment, readConfig, relayOf, tenantUrlPort } from "../../sidecar/config.ts"
import { repository } from "../../sidecar/config-values.ts"
import { sharedServersOf } from "../../sidecar/shared-server-settings.ts"

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

test("of a secret only the line's end is cut, and what cannot be one is refused", () => {
  const master = (content: string | Buffer) => ({ ...complete, MASTER_PASSWORD_FILE: secretFile("master", content) })
  for (const [content, secret] of [
    [" blanks  \n", " blanks  "],
    ["crlf\r\n", "crlf"],
    ["Zoë \u{1f600}", "Zoë \u{1f600}"],
  ] as const) {
    assert.is(readConfig(master(content)).MASTER_PASSWORD_FILE, secret)
  }
  assert.match(mistakesOf(master("one\ntwo\n")), /MASTER_PASSWORD_FILE names .*, which has more than one line/)
  assert.match(mistakesOf(master("one\n\n")), "more than one line")
  assert.match(mistakesOf(master("nul\u0000")), "cannot be printed")
  assert.match(mistakesOf(master(Buffer.from([0x70, 0xff, 0x0a]))), /which is not written in UTF-8/)
  assert.match(mistakesOf({ ...complete, NUDGE_TOKEN_FILE: secretFile("nudge", "wake üp") }), "letters beyond ASCII")
})

test("what odoo.conf would make something else of is refused at the start, by the name of its variable", () => {
  const relay = (password: string) => ({
    ...complete,
    SMTP_HOST: "relay",
    SMTP_USER: "shop",
    SMTP_PASSWORD_FILE: secretFile("relay", password),
  })
  assert.is(relayOf(readConfig(relay("none\n")))?.password, "none")
  for (const password of ["None", "False", "false\n", " hunter2", "hunter2 \n", "hunter2\nhunter3"]) {
    const problems = mistakesOf(relay(password))
    assert.match(problems, "SMTP_PASSWORD_FILE ")
    assert.not.match(problems, "hunter")
  }
  for (const name of ["SMTP_USER", "SMTP_FROM_FILTER", "SMTP_HOST"]) {
    assert.match(mistakesOf({ ...complete, [name]: "None" }), `${name} cannot be told to Odoo as it is`)
  }
})

test("what is written into the files of other programs holds nothing that they read as their own", () => {
  for (const [name, value] of [
    ["SAAS_STATE_DIR", "/srv/two words"],
    ["SAAS_STATE_DIR", "/srv/a;b"],
    ["SAAS_STATE_DIR", "/srv/$HOME"],
    ["MASTER_HOST", 'a" "b'],
    ["MASTER_HOST", "$host"],
    ["MASTER_UPSTREAM", '127.0.0.1" x:80'],
    ["MASTER_UPSTREAM", 'unix:/srv/"; x'],
    ["MASTER_URL", "unix:/srv/two words"],
    ["PG_HOST", "/srv/two words"],
    ["PG_HOST", "127.0.0.1; flush ruleset"],
    ["PG_HOST", "two\nlines"],
    ["MASTER_DB", "two\nlines"],
    ["MASTER_LOGIN", "caf\ufffd"],
    ["KUBE_CALLERS", "traefik,No*"],
    ["KUBE_NAMESPACE_PREFIX", "-x"],
  ] as const) {
    assert.match(mistakesOf({ ...complete, [name]: value }), new RegExp(`^- ${name} `, "m"), `${name}=${value}`)
  }
  assert.is(readConfig({ ...complete, MASTER_HOST: "Odoo.Example.com" }).MASTER_HOST, "odoo.example.com")
  assert.is(readConfig({ ...complete, SAAS_STATE_DIR: "/srv/müller" }).SAAS_STATE_DIR, "/srv/müller")
  assert.equal(readConfig({ ...complete, KUBE_CALLERS: "traefik, odoo-saas" }).KUBE_CALLERS, ["traefik", "odoo-saas"])
})

test("further database servers are read from their file, each with its password from a file of its own", () => {
  const passwordFile = secretFile("two", "and this one")
  const two = {
    name: "two",
    address: "10.0.0.6:5432",
    passwordFile,
    maxTenants: 40,
    tenantAddress: "two.internal:6432",
  }
  const [first, second, ...others] = sharedServersOf(readConfig({ ...complete, ...serversFile([two]) }))
  assert.equal(others, [])
  assert.equal([first?.name, first?.operator.password, first?.address.port], ["local", "and me", 5470])
  assert.equal([second?.name, second?.operator.password, second?.maxTenants], ["two", "and this one", 40])
  assert.equal(second?.operator.host, "10.0.0.6")
  assert.equal(second?.address, { host: "two.internal", port: 6432 })
})

test("what is wrong in that file is said with its place, and no two servers have one name", () => {
  const two = { name: "two", address: "10.0.0.6:5432", passwordFile: secretFile("two", "and this one") }
  const problems = (servers: unknown) => mistakesOf({ ...complete, ...serversFile(servers) })
  assert.match(problems([{ ...two, address: "10.0.0.6" }]), "0.address is written as 10.0.0.5:5432")
  assert.match(problems([{ ...two, password: "hunter2" }]), /PG_SERVERS_FILE names .*servers.json, in which .*password/)
  assert.not.match(problems([{ ...two, password: "hunter2" }]), "hunter2")
  assert.match(problems([two, two]), "two servers of the name two")
  assert.match(problems([{ ...two, name: "local" }]), "PG_SERVERS_FILE names local, which is the server at PG_HOST")
  assert.match(problems([{ ...two, passwordFile: join(folder, "nowhere") }]), /nowhere, which cannot be read/)
  const file = secretFile("broken.json", "[{")
  assert.match(mistakesOf({ ...complete, PG_SERVERS_FILE: file }), /broken.json, which is not JSON/)
})

test("on Kubernetes a server is in networks or namespaces: policies know no host names", () => {
  const cluster = {
    ...complete,
    TARGET_KIND: "kubernetes",
    TENANT_IMAGE: "odoo:19",
    KUBE_PAGES_ADDRESS: "10.0.0.5:8072",
  }
  const networks = (given: Record<string, string>) => {
    return sharedServersOf(readConfig({ ...cluster, ...given })).map((server) => server.networks)
  }
  assert.equal(networks({ PG_HOST: "10.0.0.5" }), [["10.0.0.5/32"]])
  assert.equal(networks({ PG_HOST: "postgres", KUBE_PG_NAMESPACES: "odoo-saas" }), [[]])
  assert.match(mistakesOf({ ...cluster, PG_HOST: "pg.internal" }), /server local is at pg.internal.*KUBE_PG_NETWORKS/)
  const two = { name: "two", address: "two.internal:5432", passwordFile: secretFile("two", "and this one") }
  assert.match(
    mistakesOf({ ...cluster, ...serversFile([two]) }),
    /server two is at two.internal.* or networks in PG_SERV/,
  )
  assert.equal(networks(serversFile([{ ...two, networks: ["10.0.64.0/18"] }])).at(1), ["10.0.64.0/18"])
})

test(".env.example is what the table of settings says", () => {
  assert.fixture(readFileSync(join(repository, ".env.example"), "utf8"), exampleEnvironment())
})

test.run()

function serversFile(servers: unknown): { PG_SERVERS_FILE: string } {
  return { PG_SERVERS_FILE: secretFile("servers.json", JSON.stringify(servers)) }
}

function secretFile(name: string, content: string | Buffer): string {
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
