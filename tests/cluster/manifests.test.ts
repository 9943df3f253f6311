/** k8s/ is what an API server takes, for every overlay, and says the same as the code that it starts. */
import { strict as assert } from "node:assert"
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { suite } from "uvu"
import { repo } from "../../scripts/lib/paths.ts"
import { accessRules, roleScript } from "../../scripts/lib/roles.ts"
import { readConfig, variableNames } from "../../sidecar/config.ts"
import { places } from "../../sidecar/drivers/kubernetes/objects/pod.ts"
import { makeCluster } from "./cluster.ts"
import { readDockerfile } from "./dockerfile.ts"
import { addKinds } from "./kinds.ts"
import type { KubeObject } from "./kubectl.ts"
import { Manifests } from "./kustomize.ts"
import { allowed } from "./policies.ts"
import { nonconformities } from "./schemas.ts"
import { demandNoInstallation } from "./sidecar-account.ts"

const test = suite("the manifests in k8s/")

const cluster = await makeCluster("manifests")
const { kubectl } = cluster
const manifests = new Manifests(kubectl)
const overlays = ["overlays/microk8s", "overlays/k3s", "overlays/production"] as const
const all = ["base", ...overlays] as const
const namespace = "odoo-saas"
let removeKinds: (() => Promise<void>) | null = null

test.before(async () => {
  await demandNoInstallation(kubectl)
  removeKinds = await addKinds(kubectl)
  const [own] = (await manifests.objects("base")).filter(({ kind }) => kind === "Namespace")
  await kubectl.apply(own ?? {})
})

test.after(async () => {
  manifests.remove()
  if (removeKinds) {
    await kubectl.run(["delete", "namespace", namespace, "--wait=false"])
    await removeKinds()
  }
  await cluster.stop()
})

for (const path of all) {
  test(`${path}: every kind and every field is known`, async () => {
    assert.deepEqual(await nonconformities(cluster, await manifests.build(path)), [])
  })

  test(`${path}: the API server takes it, and pod security has nothing to say`, async () => {
    const text = await manifests.build(path)
    const { code, output } = await kubectl.try(["apply", "--server-side", "--dry-run=server", "-f", "-"], text)
    assert.equal(code, 0, output)
    assert.ok(!/warning/i.test(output), output)
    assert.equal(output.trim().split("\n").length, (await manifests.objects(path)).length)
  })

  test(`${path}: the sidecar understands its settings`, async () => {
    const data = await settingsOf(path)
    const names = [...variableNames, "BASE_DOMAIN", "PGSSLMODE"] as readonly string[]
    assert.deepEqual(
      Object.keys(data).filter((name) => !names.includes(name)),
      [],
    )
    const { secrets } = manifests
    const config = readConfig({
      ...data,
      KUBE_PAGES_ADDRESS: "10.0.0.1:8072",
      MASTER_PASSWORD_FILE: secrets.path("sidecar-password"),
      PG_OPERATOR_PASSWORD_FILE: secrets.path("pg-operator-password"),
      ROOT_KEY_FILE: secrets.path("root-key"),
      NUDGE_TOKEN_FILE: secrets.path("nudge-token"),
    })
    assert.equal(config.TARGET_KIND, "kubernetes")
    assert.ok(config.KUBE_CALLERS.includes(namespace), "tenants let the sidecar in")
  })

  test(`${path}: every pod keeps to its limits and to a root that nobody writes to`, async () => {
    const workloads = (await manifests.objects(path)).filter(({ spec }) => spec?.template?.spec?.containers)
    assert.ok(workloads.length >= 2)
    for (const { metadata, spec } of workloads) {
      const { containers, initContainers = [], securityContext } = spec.template.spec
      assert.equal(typeof securityContext.runAsUser, "number", metadata.name)
      for (const one of [...containers, ...initContainers] as KubeObject[]) {
        assert.equal(one.securityContext.readOnlyRootFilesystem, true, `${metadata.name}/${one.name}`)
        assert.ok(one.resources.requests.memory && one.resources.limits.memory, `${metadata.name}/${one.name}`)
      }
      for (const one of containers as KubeObject[]) {
        for (const probe of ["startupProbe", "readinessProbe", "livenessProbe"]) {
          assert.ok(one[probe], `${metadata.name}/${one.name} has no ${probe}`)
        }
      }
    }
  })
}

test("an overlay's own host and ingress class come to the master's Ingress", async () => {
  const settings = "MASTER_HOST=erp.example.net\nKUBE_INGRESS_CLASS=public\n"
  const objects = await manifests.objects(manifests.addOverlay("own", { "settings.env": settings }))
  const ingress = objects.find(({ kind, metadata }) => kind === "Ingress" && metadata.name === "master")
  assert.equal(ingress?.spec.rules[0].host, "erp.example.net")
  assert.equal(ingress?.spec.ingressClassName, "public")
})

test("there are two sidecars, or as many as KEDA says", async () => {
  const sidecar = async (path: string) =>
    (await manifests.objects(path)).find(({ kind, metadata }) => kind === "Deployment" && metadata.name === "sidecar")
  assert.equal((await sidecar("base"))?.spec.replicas, 2)
  assert.equal((await sidecar("overlays/production"))?.spec.replicas, undefined)
})

test("who may speak to the control plane, as cyclonus judges its network policies", async () => {
  const objects = await manifests.objects("base")
  await kubectl.apply(...objects.filter(({ kind }) => kind === "NetworkPolicy"))
  const others: Record<string, Record<string, string>> = {
    [`saas-tsomebody-${process.pid}`]: { "app.kubernetes.io/managed-by": "odoo-saas" },
    [`metrics-${process.pid}`]: { "odoo-saas/reads-metrics": "true" },
    [`stranger-${process.pid}`]: {},
  }
  for (const [name, labels] of Object.entries(others)) {
    await kubectl.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name, labels } })
  }
  const [master, sidecar, postgres] = ["master", "sidecar", "postgres"].map((name) => pod(namespace, name))
  const [tenant, keda, stranger, traefik] = [...Object.keys(others), "traefik"].map((name) => pod(name, "x"))
  const matrix: [string, KubeObject | undefined, KubeObject | undefined, number, boolean][] = [
    ["the ingress controller asks the master", traefik, master, 8069, true],
    ["the ingress controller asks for pages", traefik, sidecar, 8072, true],
    ["the ingress controller asks for a sign-on", traefik, sidecar, 8071, false],
    ["the master asks for a sign-on", master, sidecar, 8071, true],
    ["the sidecar asks the master", sidecar, master, 8069, true],
    ["master and sidecar ask PostgreSQL", master, postgres, 5432, true],
    ["a tenant asks PostgreSQL", tenant, postgres, 5432, true],
    ["a tenant asks the master", tenant, master, 8069, false],
    ["a tenant asks the sidecar", tenant, sidecar, 8071, false],
    ["a tenant asks for pages", tenant, sidecar, 8072, false],
    ["KEDA reads the metrics", keda, sidecar, 8071, true],
    ["a stranger reads the metrics", stranger, sidecar, 8071, false],
    ["a stranger asks PostgreSQL", stranger, postgres, 5432, false],
    ["PostgreSQL asks anybody", postgres, stranger, 443, false],
  ]
  const traffic = matrix.map(([, from, to, port]) => ({ from: from ?? "", to: to ?? "", port }))
  const answers = await allowed(cluster, [namespace], traffic)
  for (const name of Object.keys(others)) await kubectl.run(["delete", "namespace", name, "--wait=false"])
  assert.deepEqual(
    matrix.map(([what], at) => `${what}: ${answers[at]}`),
    matrix.map(([what, , , , expected]) => `${what}: ${expected}`),
  )
})

test("no secret is committed, and Git does not see those that are made", async () => {
  const tracked = execFileSync("git", ["ls-files", "k8s"], { cwd: repo, encoding: "utf8" }).trim().split("\n")
  assert.deepEqual(
    tracked.filter((file) => /secrets\//.test(file) || /kind: Secret\b/.test(readFileSync(join(repo, file), "utf8"))),
    [],
  )
  const made = ["k8s/base/control-plane/secrets/root-key", "k8s/base/postgres/secrets/roles.sql"]
  const ignored = execFileSync("git", ["check-ignore", "--no-index", ...made], { cwd: repo, encoding: "utf8" })
  assert.deepEqual(ignored.trim().split("\n"), made)
})

test("each part is given the secrets that it reads, and no others", async () => {
  const objects = await manifests.objects("base")
  const keysOf = (name: string) => {
    const found = objects.find(({ kind, metadata }) => kind === "Secret" && metadata.name.startsWith(name))
    return Object.keys(found?.data ?? {}).sort()
  }
  assert.deepEqual(keysOf("sidecar-secrets"), ["nudge-token", "pg-operator-password", "root-key", "sidecar-password"])
  assert.ok(!keysOf("master-secrets").includes("root-key"), "the master never has the root key")
  assert.deepEqual(keysOf("postgres-roles"), ["roles.sql"])
})

test("PostgreSQL has the roles and the access rules of an installation without containers", async () => {
  const rules = readFileSync(join(repo, "k8s/base/postgres/pg_hba.conf"), "utf8")
  assert.equal(rules, `${accessRules("trust", "all").join("\n")}\n`)
  const objects = await manifests.objects("base")
  const roles = objects.find(({ kind, metadata }) => kind === "Secret" && metadata.name.startsWith("postgres-roles"))
  const script = Buffer.from(roles?.data["roles.sql"] ?? "", "base64").toString()
  assert.equal(withoutSalt(script), withoutSalt(roleScript(manifests.secrets)))
})

test("the guard of the sidecar's rights knows the prefix of its namespaces", async () => {
  const { KUBE_NAMESPACE_PREFIX: prefix } = await settingsOf("base")
  const guard = (await manifests.objects("base")).find(({ kind }) => kind === "ValidatingAdmissionPolicy")
  assert.ok(guard?.spec.validations[0].expression.includes(`startsWith("${prefix}")`))
})

test("a tenant's image has everything where the driver looks for it", () => {
  const recipe = readDockerfile("runtime/Dockerfile")
  const target = (source: string) => recipe.copies.find(({ sources }) => sources.includes(source))?.to
  assert.equal(target("runtime"), places.runtime)
  assert.equal(target("addons/saas_tenant"), `${places.addons}/saas_tenant`)
  assert.deepEqual(recipe.entrypoint, [places.python])
})

test("no image runs as root, or as a name that Kubernetes cannot judge", () => {
  for (const file of ["runtime/Dockerfile", "sidecar/Dockerfile", "k8s/master/Dockerfile"]) {
    assert.match(readDockerfile(file).user, /^[1-9]\d*:[1-9]\d*$/, file)
  }
})

async function settingsOf(path: string): Promise<Record<string, string>> {
  const found = (await manifests.objects(path)).find(
    ({ kind, metadata }) => kind === "ConfigMap" && metadata.name.startsWith("settings"),
  )
  assert.ok(found, `${path} has settings`)
  return found.data
}

function pod(place: string, name: string): KubeObject {
  return { metadata: { namespace: place, labels: { "app.kubernetes.io/name": name } }, status: { podIP: "10.1.0.9" } }
}

/** A verifier of the same password is another text each time. */
function withoutSalt(script: string): string {
  return script.replace(/'SCRAM-SHA-256\$[^']+'/g, "'…'")
}

test.run()
