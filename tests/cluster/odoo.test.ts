/** A real Odoo in a pod, started as tenants are, with its database in a PostgreSQL of this machine. */
import { strict as assert } from "node:assert"
import { chmodSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { suite } from "uvu"
import { snapshotOf } from "../../scripts/lib/master-snapshot.ts"
import { ensureOdoo } from "../../scripts/lib/odoo.ts"
import { makeParts, type Parts } from "../../scripts/lib/parts.ts"
import { pickFree } from "../../scripts/lib/ports.ts"
import { silent } from "../../scripts/lib/progress.ts"
import { copyTree } from "../../scripts/lib/snapshots.ts"
import { makeCluster } from "./cluster.ts"
import { type Forward, forwardTo } from "./forward.ts"
import { tenantFolders } from "./images.ts"
import { restrictedNamespace, restrictedPod } from "./pods.ts"

const suiteOf = suite("an Odoo in a pod")

const cluster = await makeCluster("odoo")
const { kubectl, tenantImage, hostAddress } = cluster
const test = tenantImage === null || hostAddress === null ? suiteOf.skip : suiteOf
const namespace = "saas-probe-odoo"
/** With Odoo in it; its role is saas_master. */
const database = "master"
const port = 8069

const stateDir = mkdtempSync(join(tmpdir(), "saas-pod-"))
let parts: Parts
let postgres: Forward

suiteOf.before(async () => {
  chmodSync(stateDir, 0o711)
  const odoo = await ensureOdoo(silent)
  const ports = { postgres: await pickFree(21_000, 31_000), sidecar: 0, http: 0 }
  const settings = {
    stateDir,
    ports,
    network: "127.66.0.0",
    uidBase: 200_000,
    durable: false,
    demo: false,
    databaseTcp: true,
  }
  parts = await makeParts(settings, odoo)
  await copyTree(await snapshotOf("base", odoo, silent), stateDir)
  parts.secrets.ensure()
  await parts.postgres.create()
  await parts.postgres.start()
  await parts.postgres.ensureRoles(parts.secrets)
  postgres = await forwardTo(ports.postgres, hostAddress ?? "127.0.0.1")
})

suiteOf.after(async () => {
  await kubectl.try(["delete", "namespace", namespace, "--ignore-not-found", "--wait=false"])
  await cluster.stop()
  await postgres.close()
  await parts.postgres.stop("immediate")
  rmSync(stateDir, { recursive: true })
})

test("it serves, with its database on this machine, and stops in time", async () => {
  const name = "odoo"
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace },
    stringData: { "odoo.conf": configuration() },
  }
  const pod = restrictedPod({
    name,
    namespace,
    image: tenantImage ?? "",
    args: [`${tenantFolders.runtime}/launch.py`, "-c", "/etc/odoo/odoo.conf"],
    port,
    path: "/web/health?db_server_status=1",
    container: {
      env: [{ name: "HOME", value: "/var/lib/odoo" }],
      volumeMounts: [
        { name: "conf", mountPath: "/etc/odoo" },
        { name: "data", mountPath: "/var/lib/odoo" },
      ],
    },
    volumes: [
      { name: "conf", secret: { secretName: name } },
      { name: "data", emptyDir: {} },
    ],
  })
  await kubectl.apply(restrictedNamespace(namespace), secret, pod)
  const ready = await kubectl.podReady(name, namespace, 90)
  const page = await fetch(`http://${ready.status.podIP}:${port}/web/login`, { signal: AbortSignal.timeout(30_000) })
  assert.equal(page.status, 200)
  assert.match(await page.text(), /name="login"/)
  await kubectl.run(["delete", "pod", name, `--namespace=${namespace}`, "--grace-period=20", "--timeout=30s"])
})

function configuration(): string {
  const options = {
    db_host: postgres.host,
    db_port: postgres.port,
    db_name: database,
    db_user: "saas_master",
    db_password: parts.secrets.read("pg-master-password"),
    addons_path: `/usr/lib/python3/dist-packages/odoo/addons,/usr/lib/python3/dist-packages/addons,${tenantFolders.addons}`,
    // Its routes are served although the database does not have it.
    server_wide_modules: "base,rpc,web,saas_tenant",
    data_dir: "/var/lib/odoo/data",
    http_interface: "0.0.0.0",
    http_port: port,
    list_db: "False",
    workers: 0,
  }
  return `[options]\n${Object.entries(options)
    .map(([name, value]) => `${name} = ${value}`)
    .join("\n")}\n`
}

suiteOf.run()
