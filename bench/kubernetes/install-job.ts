/**
 * What operators of this field do for a new customer: a Job installs the plan's modules into an empty database, and
 * then the same pod as ours serves it, through the same ingress controller.
 */
import { randomBytes } from "node:crypto"
import { KubeConfig } from "@kubernetes/client-node"
import { tenantConf } from "../../sidecar/domain/odoo-conf.ts"
import { publicKey } from "../../sidecar/domain/tokens.ts"
import { Client } from "../../sidecar/drivers/kubernetes/client.ts"
import { claim, claimName } from "../../sidecar/drivers/kubernetes/objects/claim.ts"
import { deployment, odooPort } from "../../sidecar/drivers/kubernetes/objects/deployment.ts"
import { ingress } from "../../sidecar/drivers/kubernetes/objects/ingress.ts"
import type { Job } from "../../sidecar/drivers/kubernetes/objects/job.ts"
import { namespace } from "../../sidecar/drivers/kubernetes/objects/namespace.ts"
import { type KubeObject, metadata, type Owner } from "../../sidecar/drivers/kubernetes/objects/object.ts"
import { places, podSpec, pythonContainer } from "../../sidecar/drivers/kubernetes/objects/pod.ts"
import { confSecret, secret } from "../../sidecar/drivers/kubernetes/objects/secret.ts"
import { odooService } from "../../sidecar/drivers/kubernetes/objects/service.ts"
import { serviceAccount } from "../../sidecar/drivers/kubernetes/objects/service-account.ts"
import { until } from "../../tests/helpers/wait.ts"
import type { Session } from "../lib/benchmark.ts"
import type { CleanUp } from "../lib/clean-up.ts"
import type { Measurement } from "../lib/measurement.ts"
import { inRounds } from "../lib/rounds.ts"
import { modulesOfPlan } from "../provision/install-modules.ts"
import type { Shop } from "./shop.ts"
import { loginPageAt } from "./through-ingress.ts"
import type { MeasuredCluster, World } from "./world.ts"

const rounds = 2
/** As much as the plan gives, so that both pods are the same. */
const limits = { cpuMilli: 1000, memoryMb: 1024, storageMb: 5120, users: 5, connections: 10, workers: 0 }
const jobName = "install"

export async function installJob({ cluster, shop }: World, session: Session): Promise<Measurement[]> {
  const open = await shop(session.note)
  const modules = await modulesOfPlan(open.master)
  const values = await inRounds(rounds, session, (round, cleanUp) =>
    installOnce(cluster, open, { name: `others-${round}`, modules, cleanUp }),
  )
  return [{ name: "install-job", unit: "s", values }]
}

interface Order {
  /** Of namespace, database, role and host. */
  readonly name: string
  readonly modules: string
  readonly cleanUp: CleanUp
}

async function installOnce(cluster: MeasuredCluster, shop: Shop, { name, modules, cleanUp }: Order): Promise<number> {
  const config = new KubeConfig()
  config.loadFromFile(cluster.kubeconfig)
  const client = new Client(config)
  const password = randomBytes(12).toString("hex")
  const { postgres } = shop.it
  await postgres.query("postgres", (sql) => sql.query(`CREATE ROLE "${name}" LOGIN PASSWORD '${password}'`))
  cleanUp.defer(() =>
    postgres.query("postgres", async (sql) => {
      await sql.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`)
      await sql.query(`DROP ROLE "${name}"`)
    }),
  )
  cleanUp.defer(async () => {
    await cluster.kubectl.run(["delete", "namespace", name, "--ignore-not-found"])
  })
  const host = `${name}.localhost`
  const owner: Owner = { installation: "others", tenant: name, epoch: 1 }
  const conf = tenantConf({
    tenant: name,
    publicKey: publicKey(randomBytes(32)),
    database: name,
    databaseHost: shop.postgres.host,
    databasePort: shop.postgres.port,
    role: name,
    password,
    addonsPath: [...places.odooAddons, places.addons],
    dataDir: places.filestore,
    relay: null,
    interface: "0.0.0.0",
    address: "127.0.0.1",
    port: odooPort,
    limits,
    workers: null,
  })
  const apply = (...objects: readonly KubeObject[]) => Promise.all(objects.map((object) => client.apply(object)))

  const begun = performance.now()
  await postgres.query("postgres", (sql) => sql.query(`CREATE DATABASE "${name}" OWNER "${name}" TEMPLATE template0`))
  await postgres.query(name, (sql) => sql.query("CREATE EXTENSION pg_trgm"))
  await apply(namespace(owner, name))
  await apply(serviceAccount(owner, name), claim(owner, name, { limits, storageClass: cluster.storageClass }))
  await apply(secret(owner, name, conf), installing(owner, name, cluster.tenantImage, modules))
  await installed(client, name)
  const hosts = [{ name: host, primary: true }]
  const route = {
    className: cluster.ingressClass,
    hosts,
    state: { kind: "up" },
    middlewares: [],
    https: false,
    certificates: null,
  } as const
  await apply(
    deployment(owner, name, { image: cluster.tenantImage, limits, fingerprint: "others", running: true }),
    odooService(owner, name, limits),
    ingress(owner, name, route),
  )
  await loginPageAt(cluster.ingressAddress, host)
  return (performance.now() - begun) / 1000
}

function installing(owner: Owner, name: string, image: string, modules: string): Job {
  const args = [`${places.runtime}/launch.py`, "-c", places.conf, "-i", modules, "--stop-after-init", "--no-http"]
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: metadata(owner, jobName, name),
    spec: {
      backoffLimit: 0,
      template: {
        spec: podSpec({
          containers: [pythonContainer({ name: jobName, image, args, limits, conf: true })],
          conf: confSecret,
          claim: claimName,
          restartPolicy: "Never",
          graceSeconds: 5,
        }),
      },
    },
  }
}

async function installed(client: Client, name: string): Promise<void> {
  const status = async () => (await client.get<Job>({ kind: "Job", name: jobName, namespace: name }))?.status
  const ended = async () => {
    const { succeeded, failed } = (await status()) ?? {}
    return succeeded || failed ? { failed: Boolean(failed) } : null
  }
  const { failed } = await until("the modules are installed", ended, { seconds: 600, everyMs: 100 })
  if (failed) throw new Error("The Job that installs the modules has failed.")
}
