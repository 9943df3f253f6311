/** What the benchmark of Kubernetes counts, and the specs that it makes tenants by. */
import { strict as assert } from "node:assert"
import { test } from "uvu"
import { callsIn, countPerTenant, inWords } from "../../bench/kubernetes/audit.ts"
import { idOf, specOf } from "../../bench/kubernetes/fleet.ts"
import { inParallel } from "../../bench/kubernetes/in-parallel.ts"

function line(verb: string, resource: string | null, namespace?: string, stage = "ResponseComplete"): string {
  const requestURI = resource === null ? "/apis?timeout=32s" : `/somewhere/${resource}`
  const objectRef = resource === null ? undefined : { resource, namespace }
  return JSON.stringify({ stage, verb, requestURI, objectRef })
}

test("calls are counted by verb and kind, once each", () => {
  const calls = callsIn(
    [line("patch", "ingresses", "a"), line("patch", "ingresses", "b"), line("get", null), ""].join("\n"),
  )
  assert.equal(inWords(calls), "2 patch ingresses, 1 get /apis")
  assert.equal(countPerTenant(calls), 3)
})

test("lists and watches of the whole cluster are no tenant's, those of a namespace are", () => {
  const calls = callsIn(
    [
      line("list", "pods"),
      line("watch", "pods", undefined, "ResponseStarted"),
      line("watch", "pods", undefined, "ResponseComplete"),
      line("list", "networkpolicies", "a"),
    ].join("\n"),
  )
  assert.equal(inWords(calls), "1 list all pods, 1 watch all pods, 1 list networkpolicies")
  assert.equal(countPerTenant(calls), 1)
})

test("what all tenants have in common is no tenant's", () => {
  const calls = callsIn(
    [line("get", "endpointslices", "saas-fleet-workshop"), line("patch", "ingresses", "a")].join("\n"),
  )
  assert.equal(inWords(calls), "1 once get endpointslices, 1 patch ingresses")
  assert.equal(countPerTenant(calls), 1)
})

test("a line that is half written is left for the next look", () => {
  assert.equal(inWords(callsIn(`${line("get", "secrets", "a")}\n{"stage":"Respon`)), "1 get secrets")
})

test("every number has an id of its own, of the form that the master gives", () => {
  const ids = Array.from({ length: 3000 }, (_, number) => idOf(number))
  assert.equal(new Set(ids).size, 3000)
  for (const id of ids) assert.match(id, /^t[a-z2-7]{10}$/)
  assert.throws(() => idOf(2 ** 40), RangeError)
})

test("a change of a spec changes what it names and no more", () => {
  const { generation: _, ...before } = specOf(7)
  const { generation: __, hosts, ...more } = specOf(7, "another host")
  assert.deepEqual({ ...more, hosts: hosts.slice(0, 1) }, before)
  assert.equal(hosts.length, 2)
  const { generation: ___, ...larger } = specOf(7, "a larger plan")
  assert.deepEqual({ ...larger, limits: { ...larger.limits, memoryMb: before.limits.memoryMb } }, before)
  assert.notEqual(larger.limits.memoryMb, before.limits.memoryMb)
})

test("work in parallel keeps its order and its bound", async () => {
  let underWay = 0
  let most = 0
  const answers = await inParallel([5, 1, 3, 2, 4], 2, async (ms) => {
    most = Math.max(most, ++underWay)
    await new Promise((resolve) => setTimeout(resolve, ms))
    underWay -= 1
    return ms * 10
  })
  assert.deepEqual(answers, [50, 10, 30, 20, 40])
  assert.equal(most, 2)
})

test.run()
