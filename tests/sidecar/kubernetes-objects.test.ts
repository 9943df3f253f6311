/** What a tenant is on a cluster, as objects: whose they are, what they may cost, and what never gets into them. */
import { strict as assert } from "node:assert"
import { suite } from "uvu"
import { requestSeconds } from "../../sidecar/domain/odoo-conf.ts"
import type { Limits } from "../../sidecar/domain/tenant.ts"
import { claim } from "../../sidecar/drivers/kubernetes/objects/claim.ts"
import { deployment } from "../../sidecar/drivers/kubernetes/objects/deployment.ts"
import { fallback, ingress } from "../../sidecar/drivers/kubernetes/objects/ingress.ts"
import { templateJob } from "../../sidecar/drivers/kubernetes/objects/job.ts"
import { namespace } from "../../sidecar/drivers/kubernetes/objects/namespace.ts"
import { networkPolicies, type Peer } from "../../sidecar/drivers/kubernetes/objects/network-policies.ts"
import {
  epochOf,
  installationOf,
  type KubeObject,
  kinds,
  tenantOf,
} from "../../sidecar/drivers/kubernetes/objects/object.ts"
import { packer } from "../../sidecar/drivers/kubernetes/objects/packer.ts"
import { limitRange, resourceQuota } from "../../sidecar/drivers/kubernetes/objects/quota.ts"
import { roleBinding } from "../../sidecar/drivers/kubernetes/objects/role-binding.ts"
import { secret } from "../../sidecar/drivers/kubernetes/objects/secret.ts"
import { odooService, pagesEndpoints, pagesService } from "../../sidecar/drivers/kubernetes/objects/service.ts"
import { serviceAccount } from "../../sidecar/drivers/kubernetes/objects/service-account.ts"
import { guard, middlewares } from "../../sidecar/drivers/kubernetes/objects/traefik.ts"

const test = suite("a tenant as Kubernetes objects")

const owner = { installation: "c0ffee00-0000-4000-8000-000000000000", tenant: "tacme234567", epoch: 7 }
const limits: Limits = { cpuMilli: 1500, memoryMb: 1024, storageMb: 5120, users: 5, connections: 10, workers: 0 }
const password = "a password that only odoo.conf knows"
const place = "saas-tacme234567"

const odoo = deployment(owner, place, { image: "odoo:1", limits, fingerprint: "f00d", running: true })
const quota = resourceQuota(owner, place, { limits, database: "shared", certificates: false })
const volume = claim(owner, place, { limits, storageClass: "fast" })
const build = templateJob(owner, place, { name: "tpl-1-2", image: "odoo:1", modules: ["crm"], languages: ["de_DE"] })
const pack = packer(owner, place, "odoo:1")
const up = ingress(owner, place, {
  className: "traefik",
  hosts: [
    { name: "acme.example.com", primary: true },
    { name: "www.acme.example", primary: false },
  ],
  state: { kind: "up" },
  middlewares: ["headers"],
  https: true,
  certificates: { issuer: "customers", domain: "example.com" },
})
const policies = networkPolicies(owner, place, {
  callers: ["traefik"],
  callerNetworks: ["10.1.0.0/24"],
  postgres: [{ networks: ["10.9.9.9/32"], namespaces: ["databases"], address: { port: 5432 } }],
  ownPostgres: false,
  certificates: true,
  mailPorts: [587],
  https: true,
})
const all: KubeObject[] = [
  namespace(owner, place),
  quota,
  limitRange(owner, place),
  serviceAccount(owner, place),
  roleBinding(owner, place, "odoo-saas-tenant", "system:serviceaccount:odoo-saas:sidecar"),
  secret(owner, place, `db_password = ${password}`),
  volume,
  odoo,
  odooService(owner, place, limits),
  pagesService(owner, place),
  pagesEndpoints(owner, place, { host: "10.1.0.5", port: 8072 }),
  up,
  fallback(owner, place, "traefik"),
  ...middlewares(owner, place),
  guard(owner, place, { hosts: [{ name: "acme.example.com", primary: true }], isUp: true, https: true }),
  build,
  pack,
  ...policies,
]

test("every object says whose it is and which claim has made it", () => {
  for (const object of all) {
    const name = `${object.kind} ${object.metadata.name}`
    assert.equal(installationOf(object), owner.installation, name)
    assert.equal(tenantOf(object), owner.tenant, name)
    assert.equal(epochOf(object), owner.epoch, name)
  }
})

test("every object has a place and a name that Kubernetes takes, and is of its kind's version", () => {
  for (const { apiVersion, kind, metadata } of all) {
    assert.match(metadata.name, /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)
    assert.equal(metadata.namespace, kinds[kind].namespaced ? place : undefined, kind)
    assert.ok(kinds[kind].root.endsWith(`/${apiVersion}`), `${kind} is of ${apiVersion}`)
    for (const value of Object.values(metadata.labels ?? {})) {
      assert.match(value, /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/)
    }
  }
  const names = all.map(({ kind, metadata }) => `${kind} ${metadata.name}`)
  assert.equal(new Set(names).size, names.length)
})

test("no secret is in anything but the secret, and no token of the cluster in any pod", () => {
  const holders = all.filter((object) => JSON.stringify(object).includes(password))
  assert.deepEqual(holders, [])
  const conf = Buffer.from(secret(owner, place, `db_password = ${password}`).data["odoo.conf"] ?? "", "base64")
  assert.ok(conf.toString().includes(password))
  for (const pod of pods()) assert.equal(pod.automountServiceAccountToken, false)
})

test("every pod is as restricted as it can be", () => {
  for (const pod of pods()) {
    assert.equal(pod.securityContext?.runAsNonRoot, true)
    assert.ok(Number(pod.securityContext?.runAsUser) > 0)
    assert.equal(pod.securityContext?.seccompProfile?.type, "RuntimeDefault")
    assert.ok(!pod.hostNetwork && !pod.hostPID && !pod.hostIPC)
    for (const container of [...(pod.initContainers ?? []), ...pod.containers]) {
      assert.equal(container.securityContext?.readOnlyRootFilesystem, true)
      assert.equal(container.securityContext?.allowPrivilegeEscalation, false)
      assert.deepEqual(container.securityContext?.capabilities?.drop, ["ALL"])
      assert.ok(container.volumeMounts?.some(({ mountPath }) => mountPath === "/tmp"))
    }
  }
})

test("what a plan pays for is what a tenant can have", () => {
  assert.deepEqual(odoo.spec.template.spec?.containers[0]?.resources?.limits, { cpu: "1500m", memory: "1024Mi" })
  assert.equal(volume.spec.resources?.requests?.storage, "5120Mi")
  assert.equal(quota.spec.hard?.["requests.storage"], "5120Mi")
  // Its own and those of the pod that packs its files.
  assert.equal(quota.spec.hard?.["limits.cpu"], "3500m")
  assert.equal(quota.spec.hard?.["limits.memory"], "2176Mi")
})

test("a plan with workers has websockets answered apart, for no more than it pays for", () => {
  for (const plan of [
    { cpuMilli: 500, memoryMb: 1024, workers: 2 },
    { cpuMilli: 2001, memoryMb: 1025, workers: 2 },
    { cpuMilli: 16_000, memoryMb: 64_000, workers: 16 },
  ]) {
    const [web, websocket] = containersOf({ ...limits, ...plan })
    assert.deepEqual([web?.name, websocket?.name], ["odoo", "websocket"])
    assert.deepEqual(websocket?.args?.slice(1), ["gevent", "-c", "/etc/odoo-saas/odoo.conf"])
    for (const [resource, all] of [
      ["cpu", plan.cpuMilli],
      ["memory", plan.memoryMb],
    ] as const) {
      const share = (one: typeof web) => Number.parseInt(one?.resources?.limits?.[resource] ?? "", 10)
      assert.equal(share(web) + share(websocket), all, `${resource} of ${JSON.stringify(plan)}`)
      assert.ok(share(web) >= share(websocket) && share(websocket) > 0, `${resource} of ${JSON.stringify(plan)}`)
    }
    for (const container of [web, websocket]) {
      assert.equal(container?.securityContext?.readOnlyRootFilesystem, true)
      assert.ok(Number(container?.lifecycle?.preStop?.sleep?.seconds) > 0)
    }
    // Busy workers answer no question for a while; what asks for the database is answered by the other one.
    assert.equal(web?.readinessProbe?.httpGet, undefined)
    assert.match(websocket?.readinessProbe?.httpGet?.path ?? "", /db_server_status/)
    assert.ok(Number(web?.livenessProbe?.failureThreshold) * Number(web?.livenessProbe?.periodSeconds) > requestSeconds)
  }
  assert.deepEqual(
    containersOf(limits).map(({ name }) => name),
    ["odoo"],
  )
})

test("websockets are led to whoever answers them, without another route", () => {
  const ports = (workers: number) => odooService(owner, place, { workers }).spec.ports ?? []
  const led = (workers: number) => ports(workers).map(({ port, targetPort }) => [port, targetPort])
  assert.deepEqual(led(0), [
    [8069, "http"],
    [8072, "http"],
  ])
  assert.deepEqual(led(2), [
    [8069, "http"],
    [8072, "websocket"],
  ])
  const paths = up.spec.rules?.[0]?.http?.paths ?? []
  assert.deepEqual(
    paths.map(({ path, backend }) => [path, backend.service?.port?.number]),
    [
      ["/web/database", 80],
      ["/websocket", 8072],
      ["/", 8069],
    ],
  )
  for (const { port, targetPort } of ports(2)) {
    const named = containersOf({ ...limits, workers: 2 }).flatMap((one) => one.ports ?? [])
    assert.ok(named.some(({ name, containerPort }) => name === targetPort && containerPort === port))
  }
})

function containersOf(plan: Limits) {
  const parts = { image: "odoo:1", limits: plan, fingerprint: "f00d", running: true }
  return deployment(owner, place, parts).spec.template.spec?.containers ?? []
}

test("another claim alone starts nothing anew", () => {
  const again = deployment({ ...owner, epoch: 8 }, place, {
    image: "odoo:1",
    limits,
    fingerprint: "f00d",
    running: true,
  })
  assert.deepEqual(again.spec, odoo.spec)
  assert.notEqual(epochOf(again), epochOf(odoo))
})

test("never do two pods write to one volume, and a stop lets requests finish", () => {
  assert.equal(odoo.spec.strategy?.type, "Recreate")
  assert.equal(odoo.spec.replicas, 1)
  const [container] = odoo.spec.template.spec?.containers ?? []
  assert.ok(Number(container?.lifecycle?.preStop?.sleep?.seconds) > 0)
  assert.ok(Number(odoo.spec.template.spec?.terminationGracePeriodSeconds) >= 15)
  assert.deepEqual(container?.args, ["/opt/odoo-saas/runtime/launch.py", "-c", "/etc/odoo-saas/odoo.conf"])
})

test("a host leads to Odoo while it is up and to a page while it is not; the database manager stays shut", () => {
  assert.deepEqual(
    up.spec.rules?.map(({ host }) => host),
    ["acme.example.com", "www.acme.example"],
  )
  for (const [state, service] of [
    [{ kind: "up" }, "odoo"],
    [{ kind: "maintenance" }, "pages"],
    [{ kind: "suspended" }, "pages"],
  ] as const) {
    const parts = { className: "nginx", state, middlewares: [], https: false, certificates: null }
    const routed = ingress(owner, place, { ...parts, hosts: [] })
    const again = ingress(owner, place, { ...parts, hosts: [{ name: "a.example", primary: true }] })
    assert.equal(routed.spec.rules?.length, 0)
    const leads = Object.fromEntries(
      (again.spec.rules?.[0]?.http?.paths ?? []).map(({ path, backend }) => [path, backend.service?.name]),
    )
    const isUp = state.kind === "up"
    assert.deepEqual(leads, { "/web/database": "pages", ...(isUp ? { "/websocket": "odoo" } : {}), "/": service })
  }
})

test("cert-manager is asked for a certificate of each domain that the operator's wildcard is not for, and no other", () => {
  const issuer = "cert-manager.io/cluster-issuer"
  assert.equal(up.metadata.annotations?.[issuer], "customers")
  assert.deepEqual(up.spec.tls, [{ hosts: ["www.acme.example"], secretName: "tls-www.acme.example" }])
  const parts = { className: "traefik", state: { kind: "up" }, middlewares: [], https: true } as const
  const certificates = { issuer: "customers", domain: "example.com" }
  const hosts = (name: string) => [{ name, primary: true }]
  const own = ingress(owner, place, { ...parts, certificates, hosts: hosts("acme.example.com") })
  assert.equal(own.spec.tls, undefined)
  assert.equal(own.metadata.annotations?.[issuer], undefined)
  // A wildcard is for one label; and nothing is asked of a cert-manager that is not there.
  const deeper = ingress(owner, place, { ...parts, certificates, hosts: hosts("shop.acme.example.com") })
  assert.equal(deeper.spec.tls?.length, 1)
  const without = ingress(owner, place, { ...parts, certificates: null, hosts: hosts("www.acme.example") })
  assert.equal(without.spec.tls, undefined)
  // Its pods have room beside Odoo's.
  const { pods } = resourceQuota(owner, place, { limits, database: "shared", certificates: true }).spec.hard ?? {}
  assert.ok(Number(pods) > Number(quota.spec.hard?.pods))
})

test("nobody speaks to a tenant but those who are named, and it speaks to no neighbour", () => {
  const named = (name: string) => policies.find(({ metadata }) => metadata.name === name)?.spec
  const nobody = { podSelector: {}, policyTypes: ["Ingress", "Egress"], ingress: [], egress: [] }
  assert.deepEqual(named("default-deny"), nobody)
  assert.deepEqual(
    policies.filter(({ spec }) => spec.ingress?.length).map(({ metadata }) => metadata.name),
    ["same-namespace", "callers", "certificates"],
  )
  for (const { metadata, spec } of policies) {
    for (const { to = [], ports = [] } of spec.egress ?? []) {
      for (const peer of to) assert.ok(!isMetadataAddress(peer), `${metadata.name} reaches the metadata of the cloud`)
      // Only DNS goes anywhere, since one cloud's is at the address of its metadata.
      if (to.length === 0) assert.deepEqual(new Set(ports.map(({ port }) => port)), new Set([53]), metadata.name)
    }
  }
})

test("a websocket that another site asks for is led to no Odoo", () => {
  const hosts = ["acme.example.com", "www.acme.example"].map((name, index) => ({ name, primary: index === 0 }))
  const rules = guard(owner, place, { hosts, isUp: true, https: true }).spec.routes
  const rule = rules.find(({ match }) => match.includes("`Origin`"))
  assert.deepEqual(rule?.services, [{ name: "pages", port: 80 }])
  const own = new RegExp(/!HeaderRegexp\(`Origin`, `\(\?i\)(.+?)`\)/.exec(rule?.match ?? "")?.[1] ?? "", "i")
  for (const origin of ["https://acme.example.com", "https://ACME.example.com:8443", "http://www.acme.example"]) {
    assert.match(origin, own)
  }
  for (const origin of [
    "https://evil.example",
    "https://acme.example.com.evil.example",
    "https://acmeXexample.com",
    "https://evil.example/https://acme.example.com",
    "null",
  ]) {
    assert.doesNotMatch(origin, own)
  }
})

function isMetadataAddress(peer: Peer): boolean {
  if (!("ipBlock" in peer)) return false
  return peer.ipBlock.cidr === "0.0.0.0/0" && !peer.ipBlock.except?.includes("169.254.0.0/16")
}

function pods() {
  const template = odoo.spec.template.spec
  const builder = build.spec.template.spec
  assert.ok(template && builder)
  return [template, builder, pack.spec]
}

test("the sidecar's rights in a namespace are given to whomever the cluster takes it for", () => {
  const [own] = roleBinding(owner, place, "odoo-saas-tenant", "system:serviceaccount:odoo-saas:sidecar").subjects
  assert.deepEqual(own, { kind: "ServiceAccount", name: "sidecar", namespace: "odoo-saas" })
  const outside = roleBinding(owner, place, "odoo-saas-tenant", "ops@example.com")
  assert.deepEqual(outside.subjects, [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "ops@example.com" }])
  assert.equal(outside.roleRef.name, "odoo-saas-tenant")
})

test.run()
