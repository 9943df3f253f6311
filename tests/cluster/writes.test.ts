/** Every write of the Kubernetes driver is fenced where it is applied, and touches nothing of anybody else's. */
import { strict as assert } from "node:assert"
import { KubeConfig } from "@kubernetes/client-node"
import { pino } from "pino"
import { suite } from "uvu"
import { StaleEpoch } from "../../sidecar/domain/errors.ts"
import type { Fence } from "../../sidecar/drivers/driver.ts"
import { Writer } from "../../sidecar/drivers/kubernetes/apply.ts"
import { WatchCache } from "../../sidecar/drivers/kubernetes/cache.ts"
import { Client, type Where } from "../../sidecar/drivers/kubernetes/client.ts"
import { namespace } from "../../sidecar/drivers/kubernetes/objects/namespace.ts"
import { epochOf, type KubeObject, type Owner } from "../../sidecar/drivers/kubernetes/objects/object.ts"
import { resourceQuota } from "../../sidecar/drivers/kubernetes/objects/quota.ts"
import { secret } from "../../sidecar/drivers/kubernetes/objects/secret.ts"
import { pagesEndpoints, pagesService } from "../../sidecar/drivers/kubernetes/objects/service.ts"
import { preflight } from "../../sidecar/drivers/kubernetes/preflight.ts"
import { TakeOver } from "../../sidecar/drivers/kubernetes/takeover.ts"
import { Volumes } from "../../sidecar/drivers/kubernetes/volumes.ts"
import { Watched } from "../../sidecar/drivers/kubernetes/watched.ts"
import { clusterSettings } from "../contract/kubernetes/settings.ts"
import { makeCluster } from "./cluster.ts"

const test = suite("what the Kubernetes driver writes")

const cluster = await makeCluster("writes")
const config = new KubeConfig()
config.loadFromFile(cluster.kubeconfig)
const client = new Client(config)
const ours = "c0ffee00-0000-4000-8000-000000000000"
const place = `saas-writes-${process.pid}`
const tenant = "twrites2345"
const where = { kind: "Secret", name: "odoo-conf", namespace: place } as const
const conf = (epoch: number, text: string, installation = ours) => secret(ownerAt(epoch, installation), place, text)

/** The operator's database knows of no younger claim: what refuses here is what is written on the objects. */
const unknowing = { check: async () => undefined }
const writer = writerOf(ours)

const watched = new Watched(client, () => ours, pino({ level: "silent" }))
/** As in a sidecar: it looks at caches. */
const seeing = new Writer(client, unknowing, () => ours, watched)
const volumes = new Volumes({ client, writer: seeing, watched })
const parts = { client, writer: seeing, watched, volumes, hasTraefik: async () => false }
const takeOver = new TakeOver({ ...parts, namespaceOf: () => place })

test.before(async () => {
  await writer.apply(fenceAt(1), namespace(ownerAt(1), place))
})

test.after(async () => {
  await watched.close()
  await cluster.kubectl.try(["delete", "persistentvolume", place, "--wait=false"])
  await cluster.kubectl.try(["delete", "namespace", place, "--wait=false"])
  await cluster.stop()
})

test("what is written is there, with the epoch of its claim, and is no other for being written again", async () => {
  const first = await writer.apply(fenceAt(1), conf(1, "one"))
  const again = await writer.apply(fenceAt(1), conf(1, "one"))
  assert.equal(again.metadata.resourceVersion, first.metadata.resourceVersion)
  assert.equal(epochOf(again), 1)
})

test("an older claim writes, changes and removes nothing that a younger one has written", async () => {
  await writer.apply(fenceAt(5), conf(5, "of the younger"))
  await assert.rejects(writer.apply(fenceAt(4), conf(4, "of the older")), { name: "StaleEpoch" })
  await assert.rejects(writer.change(fenceAt(4), where, { type: "x" }), { name: "StaleEpoch" })
  await assert.rejects(writer.remove(fenceAt(4), where), { name: "StaleEpoch" })
  assert.equal(await told(), "of the younger")
})

test("a younger claim that comes between the look and the write wins", async () => {
  // What a slow sidecar has under way: it has looked, and sends its write after the younger one has written.
  const seen = await client.get<KubeObject>(where)
  await writer.apply(fenceAt(6), conf(6, "of the younger"))
  const { resourceVersion = "", uid = "" } = seen?.metadata ?? {}
  const late = conf(5, "too late")
  const sent = client.apply({ ...late, metadata: { ...late.metadata, resourceVersion } })
  await assert.rejects(sent, { name: "Refusal", code: 409 })
  await assert.rejects(client.delete(where, { uid, resourceVersion }), { name: "Refusal", code: 409 })
  assert.equal(await told(), "of the younger")
})

test("two claims that write at once leave what the younger one has written", async () => {
  const writes = [8, 7, 8, 7].map((epoch) => writer.apply(fenceAt(epoch), conf(epoch, `of ${epoch}`)))
  for (const result of await Promise.allSettled(writes)) {
    if (result.status === "rejected") assert.ok(result.reason instanceof StaleEpoch, String(result.reason))
  }
  assert.equal(await told(), "of 8")
})

test("what belongs to another installation is left alone, and so is what belongs to nobody", async () => {
  const other = writerOf("0ther000-0000-4000-8000-000000000000")
  const theirs = conf(9, "theirs", "0ther000-0000-4000-8000-000000000000")
  await assert.rejects(other.apply(fenceAt(9), theirs), { name: "PermanentError", message: /not of this installation/ })
  await assert.rejects(other.remove(fenceAt(9), where), { name: "PermanentError" })
  const byHand = { apiVersion: "v1", kind: "Secret", metadata: { name: "by-hand", namespace: place } }
  await cluster.kubectl.apply(byHand)
  const handMade = { ...conf(9, "ours"), metadata: { ...conf(9, "ours").metadata, name: "by-hand" } }
  await assert.rejects(writer.apply(fenceAt(9), handMade), { name: "PermanentError" })
  assert.equal(await told(), "of 8")
})

test("what an earlier version has made and this one does not is pruned, and nothing else", async () => {
  const old = secret(ownerAt(9), place, "old", "old-conf")
  await writer.apply(fenceAt(9), old)
  await writer.prune(fenceAt(9), place, "Secret", [conf(9, "ours")])
  assert.equal(await client.get({ ...where, name: "old-conf" }), null)
  assert.ok(await client.get({ ...where, name: "by-hand" }))
  assert.ok(await client.get(where))
})

test("a namespace that is going is waited for and made anew", async () => {
  await writer.remove(fenceAt(10), { kind: "Namespace", name: place })
  const anew = await writer.apply(fenceAt(10), namespace(ownerAt(10), place))
  assert.equal(anew.metadata.deletionTimestamp, undefined)
  assert.equal(await client.get(where), null)
})

test("a claim that follows one whose end nobody knows refuses what that one still has under way, for every object", async () => {
  await takeOver.begin(fenceAt(20), "unknown")
  const made = await Promise.all(everyKind(20).map((object) => writer.apply(fenceAt(20), object)))
  await volumeOf(place)
  // What the older one has looked at, and sends once the younger one has begun. It wants something else.
  const looks = await Promise.all(made.map(async (object) => ({ object, seen: await client.get(whereOf(object)) })))
  const volume = await client.get<KubeObject>({ kind: "PersistentVolume", name: place })
  await takeOver.begin(fenceAt(22), "unknown")
  for (const { object, seen } of looks) {
    const { resourceVersion = "", uid = "" } = seen?.metadata ?? {}
    const { managedFields: _, ...metadata } = object.metadata as KubeObject["metadata"] & { managedFields?: unknown }
    const late = { ...object, metadata: { ...metadata, resourceVersion, annotations: { "odoo-saas/epoch": "21" } } }
    await assert.rejects(client.apply(late), { name: "Refusal", code: 409 }, object.kind)
    await assert.rejects(client.delete(whereOf(object), { uid, resourceVersion }), { name: "Refusal", code: 409 })
    await assert.rejects(writer.change(fenceAt(21), whereOf(object), {}), { name: "StaleEpoch" })
    assert.equal(epochOf((await client.get<KubeObject>(whereOf(object))) as KubeObject), 22, object.kind)
  }
  const spec = { persistentVolumeReclaimPolicy: "Delete" }
  const late = client.merge({ kind: "PersistentVolume", name: place }, { metadata: volume?.metadata, spec })
  await assert.rejects(late, { name: "Refusal", code: 409 })
})

test("a claim that follows one that has told its end leaves alone what is as it should be, and nothing else", async () => {
  await takeOver.begin(fenceAt(23), "ended")
  const before = await versions()
  for (const object of everyKind(23)) await seeing.apply(fenceAt(23), object)
  assert.deepEqual(await versions(), before)
  // By hand: it is seen, and put right, whoever has ended how.
  const quota = { kind: "ResourceQuota", name: "plan", namespace: place } as const
  const changed = await client.merge(quota, { spec: { hard: { "limits.cpu": "77" } } })
  await watched.sees([changed])
  await seeing.apply(fenceAt(23), everyKind(23)[1] as KubeObject)
  const mended = (await client.get(quota)) as { spec?: { hard?: Record<string, string> } } | null
  assert.notEqual(mended?.spec?.hard?.["limits.cpu"], "77")
})

test("what is not there has nothing to take over", async () => {
  const nowhere = new TakeOver({ ...parts, namespaceOf: () => "saas-nowhere" })
  await nowhere.begin({ ...fenceAt(1), tenant: "tnowhere2345" }, "unknown")
})

test("a watch cache sees what is written, by whomever, and what is removed", async () => {
  const cache = new WatchCache<KubeObject>(client, "Secret", `odoo-saas/tenant=${tenant}`)
  await cache.ready()
  await cache.sees(await writer.apply(fenceAt(30), conf(30, "seen")))
  assert.equal(epochOf(cache.get(where.name, place) as KubeObject), 30)
  await writer.remove(fenceAt(30), where)
  assert.ok(await cache.until(() => cache.get(where.name, place) === null, 10))
  await cache.close()
})

test("what the cluster lacks is told with the command that gives it", async () => {
  assert.deepEqual(await preflight(client, clusterSettings(cluster)), [])
  const wrong = { ...clusterSettings(cluster), ingressClass: "nobody", storageClass: "nowhere" }
  const notes = (await preflight(client, wrong)).join("\n")
  assert.match(notes, /no ingress class nobody.*kubectl get ingressclass/)
  assert.match(notes, /no storage class nowhere.*kubectl get storageclass/)
})

const limits = { cpuMilli: 1000, memoryMb: 1024, storageMb: 1024, users: 5, connections: 10, workers: 0 }

/** One that is the whole cluster's, some that are watched, some that are not. */
function everyKind(epoch: number): KubeObject[] {
  const owner = ownerAt(epoch)
  return [
    namespace(owner, place),
    resourceQuota(owner, place, { limits, database: "shared", certificates: false }),
    pagesService(owner, place),
    pagesEndpoints(owner, place, { host: "192.0.2.9", port: 8072 }),
    conf(epoch, "the same"),
  ]
}

function whereOf({ kind, metadata: { name, namespace } }: KubeObject): Where {
  return { kind, name, namespace }
}

async function versions(): Promise<Map<string, string | undefined>> {
  const found = everyKind(1).map(async (object) => (await client.get<KubeObject>(whereOf(object))) as KubeObject)
  return new Map((await Promise.all(found)).map(({ kind, metadata }) => [kind, metadata.resourceVersion]))
}

/** A volume that a claim of that namespace has. */
async function volumeOf(namespace: string): Promise<void> {
  const claimRef = { kind: "PersistentVolumeClaim", apiVersion: "v1", namespace, name: "data" }
  await cluster.kubectl.apply({
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: namespace },
    spec: {
      capacity: { storage: "1Gi" },
      accessModes: ["ReadWriteOnce"],
      persistentVolumeReclaimPolicy: "Retain",
      storageClassName: "none",
      hostPath: { path: "/nowhere" },
      claimRef,
    },
  })
  const { volumes } = await watched.caches()
  assert.ok(await volumes.until(() => volumes.get(namespace) !== null, 10))
}

function writerOf(installation: string): Writer {
  return new Writer(client, unknowing, () => installation)
}

function ownerAt(epoch: number, installation = ours): Owner {
  return { installation, tenant, epoch }
}

function fenceAt(epoch: number): Fence {
  return { tenant, epoch, server: "local", signal: new AbortController().signal }
}

async function told(): Promise<string> {
  const found = (await client.get(where)) as { data?: Record<string, string> } | null
  return Buffer.from(found?.data?.["odoo.conf"] ?? "", "base64").toString()
}

test.run()
