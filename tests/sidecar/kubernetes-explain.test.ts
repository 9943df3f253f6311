/** Conditions of the API server as sentences for a person. */
import { strict as assert } from "node:assert"
import { suite } from "uvu"
import { crashesOf, type Pod, problemOf, warnings } from "../../sidecar/drivers/kubernetes/explain.ts"
import type { Deployment } from "../../sidecar/drivers/kubernetes/objects/deployment.ts"
import { Refusal, toldOf } from "../../sidecar/drivers/kubernetes/problems.ts"
import { quantity } from "../../sidecar/drivers/kubernetes/quantity.ts"

const test = suite("why a pod does not serve")

const now = Date.parse("2026-01-01T12:00:00Z")
const container = { name: "odoo", image: "registry.example/odoo:9", imageID: "", ready: false, restartCount: 0 }

function pod(status: object, bornSecondsAgo = 60): Pod {
  const creationTimestamp = new Date(now - bornSecondsAgo * 1000).toISOString()
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "odoo-1", creationTimestamp },
    spec: { containers: [] },
    status,
  }
}

test("an image that cannot be pulled is named, with where to look", () => {
  const waiting = { reason: "ImagePullBackOff", message: "not found" }
  const told = problemOf(null, pod({ containerStatuses: [{ ...container, state: { waiting } }] }), now)
  assert.match(told, /registry\.example\/odoo:9 cannot be pulled.*TENANT_IMAGE.*not found/)
})

test("no node with room and a volume that does not come are told apart, and only after some patience", () => {
  const unscheduled = (message: string, age: number) =>
    problemOf(null, pod({ conditions: [{ type: "PodScheduled", status: "False", message }] }, age), now)
  assert.match(unscheduled("0/3 nodes are available: 3 Insufficient memory.", 60), /No node has room/)
  assert.match(unscheduled("pod has unbound immediate PersistentVolumeClaims", 60), /volume is not there yet/)
  assert.equal(unscheduled("0/3 nodes are available", 2), "")
})

test("a quota that is full is told although there is no pod", () => {
  const conditions = [{ type: "ReplicaFailure", status: "True", message: "exceeded quota: plan" }]
  assert.match(problemOf({ status: { conditions } } as unknown as Deployment, null, now), /quota.*comes from the plan/)
})

test("too little memory is told as that, and forgotten once it runs again", () => {
  const lastState = { terminated: { reason: "OOMKilled", exitCode: 137 } }
  const waiting = { ...container, lastState, state: { waiting: { reason: "CrashLoopBackOff" } } }
  assert.match(problemOf(null, pod({ containerStatuses: [waiting] }), now), /more memory than its plan/)
  const running = { ...container, lastState, state: { running: { startedAt: "2026-01-01T11:59:59Z" } } }
  assert.equal(problemOf(null, pod({ containerStatuses: [running] }), now), "")
})

test("a pod that merely starts has no problem", () => {
  const waiting = { reason: "ContainerCreating" }
  assert.equal(problemOf(null, pod({ containerStatuses: [{ ...container, state: { waiting } }] }), now), "")
  assert.equal(problemOf(null, null, now), "")
})

test("what others have put beside Odoo is blamed on them, and their crashes are not Odoo's", () => {
  const waiting = { reason: "ImagePullBackOff", message: "not found" }
  const mesh = { ...container, name: "mesh", image: "mesh:1", restartCount: 7 }
  const deployment = { status: {} } as unknown as Deployment
  const told = problemOf(deployment, pod({ containerStatuses: [{ ...mesh, state: { waiting } }] }), now)
  assert.match(told, /container mesh \(mesh:1\), which others have added.*ImagePullBackOff not found.*remove it/)
  assert.doesNotMatch(told, /TENANT_IMAGE/)
  const terminated = { exitCode: 1, finishedAt: new Date(now - 1000).toISOString() }
  assert.equal(crashesOf(pod({ containerStatuses: [{ ...mesh, lastState: { terminated } }] }), now, 600_000), 0)
})

test("crashes count for ten minutes, ends that were asked for never", () => {
  const ended = (exitCode: number, secondsAgo: number) => {
    const finishedAt = new Date(now - secondsAgo * 1000).toISOString()
    const status = { ...container, restartCount: 3, lastState: { terminated: { exitCode, finishedAt } } }
    return crashesOf(pod({ containerStatuses: [status] }), now, 600_000)
  }
  assert.equal(ended(137, 30), 3)
  assert.equal(ended(137, 700), 0)
  assert.equal(ended(0, 30), 0)
  assert.equal(ended(75, 30), 0)
})

test("of the events only the warnings of late are told, each once", () => {
  const event = (type: string, message: string, lastTimestamp: string) =>
    ({ type, reason: "Failed", message, lastTimestamp }) as never
  const told = warnings([
    event("Warning", "b", "2"),
    event("Normal", "n", "3"),
    event("Warning", "a", "1"),
    event("Warning", "b", "4"),
  ])
  assert.deepEqual(told, ["Failed: a", "Failed: b"])
})

test("a refusal of the API server is worth another try, or says what a person can do", () => {
  const said = (code: number, message: string) => toldOf(new Refusal(code, "", message), "Deployment odoo")
  assert.equal(said(500, "etcd").name, "RetryableError")
  assert.equal(said(429, "slow down").name, "RetryableError")
  assert.equal(said(403, "namespace x is being terminated").name, "RetryableError")
  assert.match(said(403, "exceeded quota: plan").message, /larger plan/)
  assert.match(said(403, "cannot create resource").message, /Give that right/)
  assert.equal(said(403, "cannot create resource").name, "RetryableError", "a right may be given at any time")
  assert.equal(said(401, "Unauthorized").name, "RetryableError")
  assert.equal(said(403, "exceeded quota: plan").name, "PermanentError")
  assert.match(said(401, "Unauthorized").message, /Renew the credentials/)
  const full = "Internal error occurred: failed to allocate a serviceIP: range is full"
  assert.match(said(500, full).message, /^Deployment odoo gets no address: .*Widen its network for services/)
  assert.equal(said(422, "invalid").name, "PermanentError")
})

test("amounts of Kubernetes are numbers", () => {
  assert.deepEqual(["4", "250m", "16Gi", "1.5", "64Ki"].map(quantity), [4, 0.25, 17_179_869_184, 1.5, 65_536])
  assert.throws(() => quantity("many"), /no amount/)
})

test.run()
