/** Puts the Kubernetes target together. Nothing is asked of the cluster before the first question. */
import { createHash } from "node:crypto"
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { KubeConfig } from "@kubernetes/client-node"
import type { Logger } from "pino"
import { FinalBackups } from "../../backups/final-backups.ts"
import { seedFromTemplate } from "../../databases/seed.ts"
import { Servers, type SharedServerSettings } from "../../databases/servers.ts"
import { SharedServers } from "../../databases/shared-servers.ts"
import { DatabaseTemplates } from "../../databases/templates.ts"
import { TenantDatabases } from "../../databases/tenant-databases.ts"
import type { RootKey } from "../../domain/keys.ts"
import type { TenantSpec } from "../../domain/tenant.ts"
import type { Databases, Templates } from "../driver.ts"
import { Writer } from "./apply.ts"
import { Client } from "./client.ts"
import { KubernetesFiles } from "./files.ts"
import { ClaimFilestore } from "./filestore.ts"
import { JobInstaller } from "./installer.ts"
import { PodIsolationCheck } from "./isolation-check.ts"
import type { KubeObject } from "./objects/object.ts"
import { Pages } from "./pages.ts"
import { namespaceOf } from "./place.ts"
import { KubernetesRouter } from "./router.ts"
import { KubernetesRuntime } from "./runtime.ts"
import { DedicatedServers, KubernetesServers } from "./servers.ts"
import type { KubernetesSettings } from "./settings.ts"
import { TakeOver } from "./takeover.ts"
import { KubernetesTarget } from "./target.ts"
import { Volumes } from "./volumes.ts"
import { Watched } from "./watched.ts"

const kindsMs = 300_000

export interface KubernetesTargetOptions {
  readonly name: string
  readonly servers: readonly SharedServerSettings[]
  readonly stateDir: string
  readonly postgresBin: string
  readonly root: RootKey
  readonly clones: number
  /** The installation's id; throws a RetryableError while the master has not told it yet. */
  readonly installation: () => string
  readonly settings: KubernetesSettings
  readonly log: Logger
}

export interface KubernetesWorld {
  readonly target: KubernetesTarget
  readonly databases: Databases
  readonly templates: Templates
}

export async function openKubernetesTarget(options: KubernetesTargetOptions): Promise<KubernetesWorld> {
  const { settings, root, installation, clones, log } = options
  const backups = join(options.stateDir, "backups")
  const run = join(options.stateDir, "run")
  for (const folder of [backups, run]) await mkdir(folder, { recursive: true, mode: 0o700 })
  const config = new KubeConfig()
  config.loadFromDefault()
  const { tenantRole: role } = settings
  const client = new Client(config, role === null ? null : { role, installation })
  const servers: Servers = new Servers(options.servers, (home, shared) => dedicated.find(home, shared))
  const watched = new Watched(client, installation, log)
  const writer = new Writer(client, servers, installation, watched)
  const parts = { client, writer, watched, settings }

  const volumes = new Volumes({ client, writer, watched })
  const dedicated = new DedicatedServers({ ...parts, root, volumes })
  const installer = new JobInstaller(parts)
  // Everything that a template is made of besides release and modules is in the image.
  const made = createHash("sha256").update(settings.image).digest("hex").slice(0, 16)
  const templates = new DatabaseTemplates({ servers, root, installation, made, installer })
  const templateOf = (spec: TenantSpec) => templates.databaseOf(spec.template)
  const bin = options.postgresBin
  const seed = seedFromTemplate({ servers, installation, clones, templateOf, run, bin })
  const databases = new TenantDatabases({ servers, root, installation, clones, templateOf, seed })

  const files = new KubernetesFiles({ ...parts, volumes })
  const hasMiddlewares = traefikOf(client)
  const router = new KubernetesRouter({ ...parts, files, hasMiddlewares })
  const pages = new Pages(watched, settings.pages.port)
  await pages.start()
  log.info({ cluster: client.server }, "tenants run on Kubernetes")
  const target = new KubernetesTarget({
    name: options.name,
    servers: new KubernetesServers(
      new SharedServers({ target: options.name, servers }),
      dedicated,
      settings.databaseImage !== null,
    ),
    runtime: new KubernetesRuntime({ ...parts, root, leads: (tenant) => router.leads(tenant) }),
    files,
    backups: new FinalBackups({
      folder: backups,
      run,
      filestore: new ClaimFilestore({ ...parts, files }),
      servers,
      installation,
      bin,
    }),
    router,
    client,
    watched,
    pages,
    takeOver: new TakeOver({
      ...parts,
      volumes,
      hasTraefik: hasMiddlewares,
      namespaceOf: (tenant) => namespaceOf(settings.prefix, tenant),
    }),
    isolation: new PodIsolationCheck({ client, installation, settings }),
    settings,
  })
  return { target, databases, templates }
}

/** Asked now and then, not for each tenant: kinds come and go with an upgrade of the cluster. */
function traefikOf(client: Client): () => Promise<boolean> {
  let known: { readonly has: Promise<boolean>; readonly until: number } | null = null
  return () => {
    if (known === null || Date.now() > known.until) known = { has: hasTraefik(client), until: Date.now() + kindsMs }
    known.has.catch(() => {
      known = null
    })
    return known.has
  }
}

async function hasTraefik(client: Client): Promise<boolean> {
  const found = (await client.ask("GET", "/apis")) as { groups: readonly Pick<KubeObject["metadata"], "name">[] }
  return found.groups.some(({ name }) => name === "traefik.io")
}
