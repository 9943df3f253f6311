/**
 * All of it inside a cluster, as k8s/ sets it up: PostgreSQL, master, two sidecars, and a tenant that a salesperson
 * sells and its customer opens in a browser, by TLS through the ingress controller.
 */
import { strict as assert } from "node:assert"
import { mkdtempSync, rmSync } from "node:fs"
import { request } from "node:https"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Browser, Page } from "playwright-core"
import { suite } from "uvu"
import { makeCluster } from "../cluster/cluster.ts"
import { tenantImage } from "../cluster/images.ts"
import type { KubeObject } from "../cluster/kubectl.ts"
import { Manifests } from "../cluster/kustomize.ts"
import { demandNoInstallation } from "../cluster/sidecar-account.ts"
import { imagesOfSystem, systemImages } from "../cluster/system-images.ts"
import { collectErrors, openBrowser, signOn, wide } from "../helpers/browser.ts"
import { Master } from "../helpers/master.ts"
import { confirmOrder, draftQuotation, type TenantRow, waitForPhase } from "../helpers/sales.ts"
import { until } from "../helpers/wait.ts"

const suiteOf = suite("the whole system in a cluster")

const cluster = await makeCluster("whole", { policies: "enforced" })
const { kubectl, addImages, ingressAddress } = cluster
const test = addImages === null || ingressAddress === null ? suiteOf.skip : suiteOf
const manifests = new Manifests(kubectl)
const work = mkdtempSync(join(tmpdir(), "system-images-"))
const domain = "example.test"
const masterUrl = `https://odoo.${domain}`
const namespace = "odoo-saas"
const salesperson = { login: "sam@example.test", password: "a salesperson's password" }
const customer = { login: "owner@lantern.example", password: "a customer's password" }
/** The first start installs CRM, sales and website, on two processors that others want, too. */
const masterSeconds = 900

let installed = ""
let admin: Master
let sales: Master
let browser: Browser
let tenant: TenantRow
const errors: string[][] = []

suiteOf.before(async () => {
  if (addImages === null) return
  await demandNoInstallation(kubectl)
  await addImages(await imagesOfSystem(work))
  const overlay = manifests.addOverlay("test", { "kustomization.yaml": kustomization(), "settings.env": settings() })
  installed = await manifests.build(overlay)
  await kubectl.run(["apply", "--server-side", "-f", "-"], installed)
  await kubectl.apply(ourWayIn())
  browser = await openBrowser({ hostRules: `MAP *.${domain} ${ingressAddress}` })
})

suiteOf.after(async () => {
  await browser?.close()
  manifests.remove()
  rmSync(work, { recursive: true })
  if (installed !== "") {
    const own = "--selector=app.kubernetes.io/managed-by=odoo-saas"
    await kubectl.try(["delete", "namespace", own, "--wait=false"])
    await kubectl.try(["delete", "--ignore-not-found", "--wait=false", "-f", "-"], installed)
  }
  await cluster.stop()
})

test("PostgreSQL, the master and both sidecars get ready from nothing", async () => {
  await rolledOut("statefulset/postgres", 120)
  await rolledOut("deployment/master", masterSeconds)
  await rolledOut("deployment/sidecar", 120)
  const service = await kubectl.get("service", "master", namespace)
  const url = `http://${service?.spec.clusterIP}:8069`
  admin = new Master({ url, db: "master", login: "admin", password: manifests.secrets.read("admin-password") })
  const targets = () => admin.search<{ state: string; note: string }>("saas.target", [], ["state", "note"])
  const isReady = async () => (await targets()).map(({ state }) => state).join() === "ready"
  await until("the target is ready", isReady, { seen: async () => JSON.stringify(await targets()) })
  sales = new Master({ url, db: "master", ...salesperson })
})

test("a salesperson confirms a quotation, and the customer's Odoo runs in a namespace of its own", async () => {
  await addSalesperson()
  tenant = await confirmOrder(sales, await draftQuotation(sales, { slug: "lantern", plan: "Starter" }))
  tenant = await waitForPhase(admin, tenant.id, "running", 600)
  assert.equal(tenant.url, `https://lantern.${domain}`)
  const pods = await kubectl.list("pods", `saas-${tenant.ref}`)
  assert.deepEqual(
    pods.map(({ metadata, status }) => [metadata.labels["odoo-saas/part"], status.phase]),
    [["odoo", "Running"]],
  )
})

test("the customer finds it in the portal and is signed on, through the ingress controller", async () => {
  const user = await until("the customer has a portal user", async () => {
    const users = await admin.search<{ id: number }>("res.users", [["login", "=", customer.login]], ["id"])
    return users[0]
  })
  await admin.write("res.users", user.id, { password: customer.password })
  const page = await newPage()
  await signOn(page, masterUrl, customer.login, customer.password)
  await page.goto(`${masterUrl}/my/odoo`)
  await page.locator(".o_saas_portal_card", { hasText: `lantern.${domain}` }).click()
  const [tab] = await Promise.all([page.context().waitForEvent("page"), page.locator(".o_saas_portal_open").click()])
  await tab.waitForURL(new RegExp(`^${tenant.url}/(odoo|web)`))
  await tab.locator(".o_web_client .o_user_menu").waitFor()
  assert.deepEqual(errors.flat(), [])
})

test("the sidecar's rights are not those of an administrator", async () => {
  const asked = ["auth", "can-i", "get", "secrets", "-A", `--as=system:serviceaccount:${namespace}:sidecar`]
  assert.match((await kubectl.try(asked)).output, /^no/m)
})

test("one sidecar is lost, the other goes on: a suspended tenant shows why, from pods of the sidecar's", async () => {
  const [one] = (await kubectl.list("pods", namespace)).filter(
    ({ metadata }) => metadata.labels["app.kubernetes.io/name"] === "sidecar",
  )
  await kubectl.run(["delete", "pod", one?.metadata.name, `--namespace=${namespace}`, "--now", "--wait=false"])
  const wizard = await admin.create("saas.tenant.suspend", { tenant_id: tenant.id, reason: "An invoice is unpaid." })
  await admin.call("saas.tenant.suspend", "action_confirm", [[wizard]])
  await waitForPhase(admin, tenant.id, "suspended", 180)
  const { status, body } = await visit(`lantern.${domain}`)
  assert.equal(status, 503)
  assert.match(body, /This Odoo is paused/)
})

async function rolledOut(what: string, seconds: number): Promise<void> {
  const { code, output } = await kubectl.try(["rollout", "status", what, `-n${namespace}`, `--timeout=${seconds}s`])
  if (code === 0) return
  const pods = await kubectl.try(["describe", "pods", `-n${namespace}`])
  const logs = await kubectl.try(["logs", what, `-n${namespace}`, "--all-containers", "--tail=60"])
  throw new Error(`${output}\n${pods.output}\n--- log ---\n${logs.output}`)
}

async function addSalesperson(): Promise<void> {
  const groups = await admin.search<{ res_id: number }>(
    "ir.model.data",
    [
      ["module", "in", ["base", "sales_team"]],
      ["name", "in", ["group_sale_salesman", "group_partner_manager", "group_user"]],
    ],
    ["res_id"],
  )
  const user = await admin.create("res.users", {
    name: "Sam",
    ...salesperson,
    group_ids: [[6, 0, groups.map(({ res_id }) => res_id)]],
  })
  assert.ok(user)
}

async function newPage(): Promise<Page> {
  const context = await browser.newContext({ viewport: wide, ignoreHTTPSErrors: true })
  context.setDefaultTimeout(120_000)
  context.on("page", (page) => errors.push(collectErrors(page)))
  return context.newPage()
}

function visit(host: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    // The ingress controller's own certificate, which it shows while there is no other.
    const options = { host: ingressAddress, path: "/", headers: { host }, rejectUnauthorized: false, timeout: 10_000 }
    const asked = request(options, (answer) => {
      const chunks: Buffer[] = []
      answer.on("data", (chunk: Buffer) => chunks.push(chunk))
      answer.on("error", reject)
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") }))
    })
    asked.on("error", reject).end()
  })
}

function settings(): string {
  const https = "TENANT_URL_SCHEME=https\nTENANT_URL_PORT=443"
  return `MASTER_HOST=odoo.${domain}\nBASE_DOMAIN=${domain}\nTENANT_IMAGE=${tenantImage}\n${https}\n`
}

/** This test asks the master for what people read in the browser, and stands outside of the cluster. */
function ourWayIn(): KubeObject {
  const master = { matchLabels: { "app.kubernetes.io/name": "master" } }
  const from = [{ ipBlock: { cidr: `${cluster.hostAddress}/32` } }]
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: "tests", namespace },
    spec: { podSelector: master, policyTypes: ["Ingress"], ingress: [{ from, ports: [{ port: 8069 }] }] },
  }
}

/** Beside the names of this cluster it changes nothing. */
function kustomization(): string {
  const image = (name: string, made: string) => {
    const [newName, newTag] = made.split(/:(?=\d)/)
    return { name, newName, newTag }
  }
  const from = (field: string, to: string) => ({
    source: { kind: "ConfigMap", name: "settings", fieldPath: `data.${field}` },
    targets: [{ select: { kind: "Ingress", name: "master" }, fieldPaths: [to] }],
  })
  return JSON.stringify({
    apiVersion: "kustomize.config.k8s.io/v1beta1",
    kind: "Kustomization",
    namespace,
    resources: ["../../base"],
    configMapGenerator: [{ name: "settings", behavior: "merge", envs: ["settings.env"] }],
    images: [
      image("odoo-saas-sidecar", systemImages.sidecar),
      image("odoo-saas-master", systemImages.master),
      image("postgres", systemImages.programs),
    ],
    replacements: [from("MASTER_HOST", "spec.rules.0.host"), from("KUBE_INGRESS_CLASS", "spec.ingressClassName")],
  })
}

suiteOf.run()
