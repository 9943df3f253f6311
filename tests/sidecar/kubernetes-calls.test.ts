/** How seldom the Kubernetes driver asks: what is seen in a watch cache, and as it was made, costs nothing. */
import { strict as assert } from "node:assert"
import { KubeConfig } from "@kubernetes/client-node"
import { test } from "uvu"
import { RetryableError } from "../../sidecar/domain/errors.ts"
import type { Before, Fence } from "../../sidecar/drivers/driver.ts"
import { Writer } from "../../sidecar/drivers/kubernetes/apply.ts"
import { Client } from "../../sidecar/drivers/kubernetes/client.ts"
import { annotations, type KubeObject, type Owner } from "../../sidecar/drivers/kubernetes/objects/object.ts"
import { resourceQuota } from "../../sidecar/drivers/kubernetes/objects/quota.ts"
import { Refusal } from "../../sidecar/drivers/kubernetes/problems.ts"
import { Unseen } from "../../sidecar/drivers/kubernetes/unseen.ts"

const installation = "c0ffee00-0000-4000-8000-000000000000"
const tenant = "tcalls22222"

/** An API server with room for one object, which refuses a write by an old look. */
class OneObject extends Client {
  readonly calls: string[] = []
  stored: KubeObject | null = null
  version = 0
  silent = false

  constructor() {
    super(new KubeConfig())
  }

  override async get<T extends KubeObject>(): Promise<T | null> {
    this.calls.push("get")
    return this.stored as T | null
  }

  override async apply<T extends KubeObject>(object: T): Promise<T> {
    this.calls.push("apply")
    if (this.silent) throw new RetryableError("The cluster does not answer.")
    const named = object.metadata.resourceVersion
    if (named && named !== String(this.version)) throw new Refusal(409, "Conflict", "it has been changed")
    this.version += 1
    const metadata = { ...object.metadata, uid: "1", resourceVersion: String(this.version) }
    this.stored = { ...object, metadata }
    return this.stored as T
  }
}

const quota = (owner: Owner, memoryMb: number) =>
  resourceQuota(owner, "place", { limits: { ...limits, memoryMb }, database: "shared", certificates: false })
const limits = { cpuMilli: 1000, memoryMb: 1024, storageMb: 1024, users: 5, connections: 10, workers: 0 }

/** A driver whose cache shows what it is given. */
class Scene {
  readonly server = new OneObject()
  seen: KubeObject | null = null
  readonly #writer: Writer

  constructor() {
    const ignored = () => undefined
    const look = { find: async () => this.seen, findIn: async () => null, wrote: ignored, removed: ignored }
    this.#writer = new Writer(this.server, { check: async () => undefined }, () => installation, look)
  }

  write(epoch: number, memoryMb = limits.memoryMb, known?: string): Promise<KubeObject> {
    const owner = { installation, tenant, epoch }
    return this.put(epoch, quota(owner, memoryMb), known)
  }

  put(epoch: number, object: KubeObject, known?: string): Promise<KubeObject> {
    return this.#writer.apply(fenceAt(epoch), object, known)
  }

  begin(epoch: number, before: Before): void {
    this.#writer.begin(fenceAt(epoch), before)
  }

  /** Made by this claim, and seen since. */
  async make(epoch: number): Promise<KubeObject> {
    this.seen = await this.write(epoch)
    this.server.calls.length = 0
    return this.seen
  }
}

const fenceAt = (epoch: number): Fence => ({ tenant, epoch, server: "local", signal: new AbortController().signal })

test("what is seen to be as this claim has made it is neither asked for nor written", async () => {
  const scene = new Scene()
  const made = await scene.make(1)
  assert.equal(await scene.write(1), made)
  assert.deepEqual(scene.server.calls, [])
})

test("a claim that knows nothing of the one before writes it again, so that what is under way is refused", async () => {
  for (const begin of [false, true]) {
    const scene = new Scene()
    await scene.make(1)
    if (begin) scene.begin(2, "unknown")
    const again = await scene.write(2)
    assert.deepEqual(scene.server.calls, ["apply"])
    assert.equal(again.metadata.annotations?.[annotations.epoch], "2")
  }
})

test("where every claim before has told its end, what is as it should be is left as it is", async () => {
  const scene = new Scene()
  await scene.make(1)
  scene.begin(2, "ended")
  assert.equal(await scene.write(2), scene.seen)
  assert.deepEqual(scene.server.calls, [])
  await scene.write(2, 2048)
  assert.deepEqual(scene.server.calls, ["apply"])
})

test("that it was so for one claim says nothing for the next", async () => {
  const scene = new Scene()
  await scene.make(1)
  scene.begin(2, "ended")
  scene.begin(3, "unknown")
  await scene.write(3)
  assert.deepEqual(scene.server.calls, ["apply"])
})

test("a claim whose write was not answered writes nothing more: it may come late", async () => {
  const scene = new Scene()
  await scene.make(1)
  scene.server.silent = true
  await assert.rejects(scene.write(1, 2048), { name: "RetryableError", message: /does not answer/ })
  scene.server.silent = false
  scene.server.calls.length = 0
  await assert.rejects(scene.write(1, 2048), { name: "RetryableError", message: /another claim/ })
  assert.deepEqual(scene.server.calls, [])
  scene.begin(2, "unknown")
  await scene.write(2, 2048)
})

test("what is wanted otherwise is written at once, by the version that was seen", async () => {
  const scene = new Scene()
  await scene.make(1)
  await scene.write(2, 2048)
  assert.deepEqual(scene.server.calls, ["apply"])
})

test("what somebody has changed by hand is written again", async () => {
  const scene = new Scene()
  const made = await scene.make(1)
  scene.seen = { ...made, spec: { hard: { pods: "99" } } } as KubeObject
  await scene.write(1)
  assert.deepEqual(scene.server.calls, ["apply"])
})

test("what an older version has made of more than is wanted now is made anew", async () => {
  const scene = new Scene()
  const made = await scene.make(1)
  scene.seen = { ...made, metadata: { ...made.metadata, annotations: { "odoo-saas/made": "of an older version" } } }
  await scene.write(1)
  assert.deepEqual(scene.server.calls, ["apply"])
})

test("a look that is too old is refused, and the object is looked at before it is written", async () => {
  const scene = new Scene()
  const old = await scene.make(1)
  await scene.write(1, 2048)
  scene.server.calls.length = 0
  scene.seen = old
  await scene.write(1, 4096)
  assert.deepEqual(scene.server.calls, ["apply", "get", "apply"])
})

test("an old look does not hide a younger claim: the older one writes nothing", async () => {
  const scene = new Scene()
  const old = await scene.make(1)
  await scene.write(6, 2048)
  scene.seen = old
  await assert.rejects(scene.write(5, 4096), { name: "StaleEpoch" })
  await assert.rejects(scene.write(5, 4096, old.metadata.resourceVersion), { name: "StaleEpoch" })
  assert.equal(scene.server.stored?.metadata.annotations?.[annotations.epoch], "6")
})

test("a version that is known from elsewhere saves the look", async () => {
  const scene = new Scene()
  const made = await scene.make(1)
  scene.seen = null
  await scene.write(2, 2048, made.metadata.resourceVersion)
  assert.deepEqual(scene.server.calls, ["apply"])
})

test("what is not seen may be somebody else's: it is looked at first", async () => {
  const scene = new Scene()
  const made = await scene.make(1)
  const theirs = { ...made.metadata.labels, "odoo-saas/installation": "0ther000-0000-4000-8000-000000000000" }
  scene.server.stored = { ...made, metadata: { ...made.metadata, labels: theirs } }
  scene.seen = null
  await assert.rejects(scene.write(2, 2048), { name: "PermanentError", message: /not of this installation/ })
  assert.deepEqual(scene.server.calls, ["get"])
})

const seenAt = (version: string, uid = "1") =>
  ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "a", namespace: "n", uid, resourceVersion: version },
  }) as const
const place = { name: "a", namespace: "n" }

test("a cache that has not heard of our write is no answer until it has", () => {
  const unseen = new Unseen()
  unseen.wrote(seenAt("10"), seenAt("9"))
  assert.ok(unseen.hides(place, seenAt("9")))
  assert.ok(unseen.hides(place, null))
  assert.ok(!unseen.hides({ ...place, namespace: "other" }, seenAt("9")))
  unseen.told(seenAt("9"), false)
  assert.ok(unseen.hides(place, seenAt("9")))
  // Versions are numbers: as text, 9 would be the newer one.
  unseen.told(seenAt("10"), false)
  assert.ok(!unseen.hides(place, seenAt("10")))
})

test("a cache that has heard of our write already is an answer at once", () => {
  const unseen = new Unseen()
  unseen.wrote(seenAt("10"), seenAt("11"))
  assert.ok(!unseen.hides(place, seenAt("11")))
})

test("what we have removed is not there, whatever the cache still has, until something else is", () => {
  const unseen = new Unseen()
  unseen.removed(place, "1", seenAt("10"))
  assert.ok(unseen.hides(place, seenAt("10")))
  unseen.told(seenAt("10"), true)
  assert.ok(!unseen.hides(place, null))
  unseen.removed(place, "1", seenAt("10"))
  assert.ok(!unseen.hides(place, seenAt("12", "2")))
})

test("what was made and removed before the cache has heard of either is not there", () => {
  const unseen = new Unseen()
  unseen.wrote(seenAt("10"), null)
  unseen.removed(place, "1", null)
  unseen.told(seenAt("10"), false)
  assert.ok(unseen.hides(place, seenAt("10")))
})

test.run()
