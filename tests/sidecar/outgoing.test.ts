/** What may leave a tenant is what its plan says: in what its Odoo knows, in what it is told, in what holds it. */
import { strict as assert } from "node:assert"
import { suite } from "uvu"
import { type Relay, relayFor, tenantConf } from "../../sidecar/domain/odoo-conf.ts"
import { settingsOf } from "../../sidecar/domain/settings.ts"
import type { Outgoing } from "../../sidecar/domain/tenant.ts"
import { bounds } from "../../sidecar/drivers/kubernetes/files.ts"
import type { NetworkPolicy } from "../../sidecar/drivers/kubernetes/objects/network-policies.ts"
import type { KubernetesSettings } from "../../sidecar/drivers/kubernetes/settings.ts"
import { ruleset } from "../../sidecar/drivers/process/firewall.ts"
import { aSpec } from "./helpers/spec.ts"

const test = suite("what may leave a tenant")

const relay: Relay = {
  host: "relay.example",
  port: 2525,
  encryption: "starttls",
  certificates: "a certificate",
  user: "us",
  password: "only for those who send",
  fromFilter: "example.com",
}
const nothing: Outgoing = { mail: false, https: false }

const settings: KubernetesSettings = {
  prefix: "saas-",
  image: "odoo:1",
  storageClass: null,
  ingressClass: "traefik",
  ingressAddress: null,
  callers: ["traefik"],
  callerNetworks: [],
  https: true,
  certificates: null,
  pages: { reached: { host: "10.1.0.5", port: 8072 }, port: 8072 },
  databases: [{ name: "local", address: { host: "10.9.9.9", port: 5432 }, networks: ["10.9.9.9/32"], namespaces: [] }],
  databaseImage: null,
  tenantRole: null,
  relay,
}

test("an Odoo whose plan sends no mail knows neither the relay nor its password", () => {
  const conf = (outgoing: Outgoing) =>
    tenantConf({
      tenant: "tabcdefghij",
      publicKey: "key",
      database: "tabcdefghij",
      databaseHost: "10.9.9.9",
      databasePort: 5432,
      role: "tabcdefghij",
      password: "its own",
      addonsPath: [],
      dataDir: "/data",
      interface: "0.0.0.0",
      address: "127.0.0.1",
      port: 8069,
      limits: aSpec().limits,
      workers: null,
      relay: relayFor(outgoing, relay),
    })
  const sends = conf({ mail: true, https: false })
  assert.match(sends, /^smtp_server = relay\.example$/m)
  assert.match(sends, /^smtp_password = only for those who send$/m)
  const quiet = conf({ mail: false, https: true })
  assert.match(quiet, /^smtp_server = $/m)
  assert.doesNotMatch(quiet, /relay\.example|only for those who send|smtp_user|saas_smtp/)
})

test("a tenant is told why its mail waits, and told anew when that changes", () => {
  const told = (mail: boolean, relayThere: boolean) =>
    settingsOf(aSpec({ outgoing: { mail, https: true } }), { urlScheme: "http", urlPort: "", mail: relayThere })
  assert.equal(told(true, true).mail, "leaves")
  assert.equal(told(true, false).mail, "no_relay")
  assert.equal(told(false, true).mail, "not_in_plan")
  assert.equal(told(false, false).mail, "not_in_plan")
  assert.equal(new Set([told(true, true), told(true, false), told(false, true)].map((one) => one.fingerprint)).size, 3)
})

test("on a cluster nothing leaves but what the plan lets out, and the policy of an earlier plan is not left behind", () => {
  const owner = { installation: "c0ffee00-0000-4000-8000-000000000000", tenant: "tabcdefghij", epoch: 7 }
  const policyOf = (outgoing: Outgoing, relay: Relay | null) => {
    const found = bounds(owner, "saas-x", aSpec({ outgoing }), { ...settings, relay }).find(
      ({ metadata }) => metadata.name === "outgoing",
    ) as NetworkPolicy | undefined
    return found?.spec.egress?.map(({ ports }) => ports?.map(({ port }) => port))
  }
  assert.deepEqual(policyOf({ mail: true, https: true }, relay), [[2525], [443]])
  assert.deepEqual(policyOf({ mail: true, https: true }, null), [[443]])
  assert.deepEqual(policyOf({ mail: true, https: false }, relay), [[2525]])
  assert.deepEqual(policyOf({ mail: false, https: true }, relay), [[443]])
  assert.deepEqual(policyOf(nothing, relay), [])
})

const range = {
  table: "rules",
  firstUid: 200_001,
  lastUid: 265_534,
  databases: [{ host: "10.9.9.9", port: 5432 }],
  ownPorts: [8080, 8071],
}

test("a firewall that knows of nobody lets nobody out", () => {
  const rules = ruleset(range, null, [])
  assert.doesNotMatch(rules, /elements/)
  assert.match(rules, /meta skuid != @calling reject$/m)
})

test("whoever calls the Internet does not call private networks, but for what is let through before", () => {
  const rules = ruleset(range, { addresses: ["10.0.0.25"], port: 2525 }, [])
  for (const network of ["169.254.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"]) {
    assert.match(rules, new RegExp(`ip daddr {[^}]*\\b${network}[^}]*} reject$`, "m"), network)
  }
  for (const network of ["fc00::/7", "fe80::/10"]) {
    assert.match(rules, new RegExp(`ip6 daddr {[^}]*\\b${network}[^}]*} reject$`, "m"), network)
  }
  const refused = rules.indexOf("ip daddr {")
  for (const match of ["ip daddr 10.9.9.9 tcp dport 5432 accept", "ip daddr 10.0.0.25 tcp dport 2525 accept"]) {
    assert.ok(rules.indexOf(match) > 0 && rules.indexOf(match) < refused, match)
  }
})

test("a user is in the set of those who mail, and of those who call, where the plan says so", () => {
  const seat = (uid: number, outgoing: Outgoing) => ({ uid, address: `127.66.0.${uid - 200_000}`, outgoing })
  const rules = ruleset(range, { addresses: ["192.0.2.1", "2001:db8::1"], port: 2525 }, [
    seat(200_001, { mail: true, https: true }),
    seat(200_002, { mail: true, https: false }),
    seat(200_003, { mail: false, https: true }),
    seat(200_004, nothing),
  ])
  const elements = (set: string) => new RegExp(`set ${set} .*elements = { (.*) };`).exec(rules)?.[1]
  assert.equal(elements("mailing"), "200001, 200002")
  assert.equal(elements("calling"), "200001, 200003")
  assert.equal(elements("own")?.split(", ").length, 4)
  for (const match of ["ip daddr 192.0.2.1 tcp dport 2525", "ip6 daddr 2001:db8::1 tcp dport 2525"]) {
    assert.ok(rules.includes(`meta skuid @mailing ${match} accept`), match)
    assert.ok(rules.includes(`meta skuid != @mailing ${match} reject`), match)
  }
})

test.run()
