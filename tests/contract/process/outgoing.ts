/** What a tenant reaches outside of this machine is what its plan says, from one moment to the next. */
import { strict as assert } from "node:assert"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Test } from "uvu"
import { run } from "../../../scripts/lib/commands.ts"
import type { Outgoing } from "../../../sidecar/domain/tenant.ts"
import type { LoopbackEndpoint } from "../../../sidecar/drivers/process/endpoint.ts"
import { Intruder } from "../../helpers/hostile.ts"
import { Outside } from "../../helpers/outside.ts"
import { until } from "../../helpers/wait.ts"
import { Tenant } from "../conformance/tenant.ts"
import type { Driver } from "../conformance/world.ts"
import { openDriver, type ProcessWorld } from "./world.ts"

const [relayPort, mailPort, httpsPort, dnsPort] = [2525, 25, 443, 53] as const
const relayPassword = "of the relay only"

export function outgoing(test: Test, world: () => ProcessWorld): void {
  let outside: Outside
  let driver: Driver<LoopbackEndpoint>
  let tenant: Tenant<LoopbackEndpoint>

  const intruder = () => new Intruder(world().installation.stateDir, tenant.id)
  const uid = () => intruder().uid
  const change = async (outgoing: Outgoing) => {
    tenant.spec = { ...tenant.spec, outgoing }
    await driver.target.runtime.ensure(tenant.spec, tenant.fence)
  }
  const reached = async () => {
    const open = async (port: number) => (await intruder().connect(outside.address, port)) === "open"
    return { mail: await open(relayPort), https: await open(httpsPort) }
  }
  /** `answered`, or why not. */
  const ask = (port: number) =>
    intruder().python(`import socket
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.settimeout(3)
asking.connect((${JSON.stringify(outside.address)}, ${port}))
try:
    asking.send(b"?")
    print("answered" if asking.recv(1) == b"?" else "garbled")
except OSError as error: print(type(error).__name__)`)

  test("there are others out there, and a relay among them", async () => {
    const { installation } = world()
    outside = await Outside.open(Number(installation.network.split(".")[1]), [relayPort, mailPort, httpsPort, dnsPort])
    const secret = join(installation.stateDir, "relay-password")
    writeFileSync(secret, relayPassword, { mode: 0o600 })
    const relay = { SMTP_HOST: outside.address, SMTP_PORT: `${relayPort}`, SMTP_USER: "us", SMTP_PASSWORD_FILE: secret }
    driver = await openDriver(installation.sidecarEnv(relay))
    tenant = await new Tenant({ ...world(), driver }).make()
  })

  test("mail leaves through the relay, other services are called, and no mail goes past the relay", async () => {
    assert.deepEqual(await reached(), { mail: true, https: true })
    assert.equal(await ask(httpsPort), "answered")
    assert.notEqual(await intruder().connect(outside.address, mailPort), "open")
    assert.equal(intruder().option("smtp_password"), relayPassword)
  })

  test("another plan holds at once and starts nothing anew, but for mail, which Odoo has to know of", async () => {
    const { target } = driver
    const { spec } = tenant
    const now = target.runtime.fingerprint(spec)
    assert.equal(target.runtime.fingerprint({ ...spec, outgoing: { mail: true, https: false } }), now)
    assert.notEqual(target.runtime.fingerprint({ ...spec, outgoing: { mail: false, https: true } }), now)
    const process = await world().pidOf(tenant.id)
    for (const outgoing of [
      { mail: true, https: false },
      { mail: false, https: false },
      { mail: false, https: true },
      { mail: true, https: true },
    ]) {
      const words = JSON.stringify(outgoing)
      assert.equal((await target.drift?.({ ...tenant.spec, outgoing }))?.part, "runtime", words)
      await change(outgoing)
      assert.equal(await target.drift?.(tenant.spec), null, words)
      assert.deepEqual(await reached(), outgoing, words)
    }
    assert.equal(await world().pidOf(tenant.id), process)
  })

  test("who calls nobody still has PostgreSQL, itself and names, and is served", async () => {
    await change({ mail: false, https: false })
    const own = (await driver.target.runtime.endpoint(tenant.fence)) as LoopbackEndpoint
    assert.equal(await intruder().connect(own.host, own.port), "open")
    assert.equal(await intruder().sql(tenant.id, "SELECT 1"), "1")
    assert.equal(await ask(dnsPort), "answered")
    assert.notEqual(await ask(httpsPort), "answered")
    assert.equal((await tenant.visit()).status, 200)
  })

  test("an Odoo that sends no mail is told no password", () => {
    assert.equal(intruder().option("smtp_server"), "")
    assert.throws(() => intruder().option("smtp_password"), /no smtp_password/)
  })

  test("a connection that is open when the plan changes ends", async () => {
    await change({ mail: false, https: true })
    const before = outside.met
    const talk = intruder().python(`import socket, time
talking = socket.create_connection((${JSON.stringify(outside.address)}, ${httpsPort}), 5)
try:
    while True: talking.sendall(b"."); assert talking.recv(1); time.sleep(0.02)
except OSError as error: print(type(error).__name__)`)
    await until("they talk", async () => outside.met > before)
    await change({ mail: false, https: false })
    assert.equal(await talk, "ConnectionResetError")
  })

  test("who is let out by hand is shut in again", async () => {
    const table = `odoo_saas_${world().installation.uidBase}`
    await run("nft", ["add", "element", "inet", table, "calling", `{ ${uid()} }`])
    assert.deepEqual(await reached(), { mail: false, https: true })
    await driver.target.describe()
    assert.deepEqual(await reached(), { mail: false, https: false })
  })

  test("who comes back to where it ran is let out as its plan says, whoever looks after it now", async () => {
    const other = await openDriver(world().installation.sidecarEnv())
    await other.target.describe()
    assert.equal(await other.target.drift?.(tenant.spec), null)
    assert.deepEqual(await reached(), { mail: false, https: false })
    await other.target.close()
    await other.databases.close()
  })

  test("it goes, and so do the others", async () => {
    await tenant.remove()
    await driver.target.close()
    await driver.databases.close()
    await outside.close()
  })
}
