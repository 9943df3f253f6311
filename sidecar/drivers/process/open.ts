/** Puts the process target together. What the machine does not give is found out here, once, and told. */
import { chmod, mkdir, statfs } from "node:fs/promises"
import type { Logger } from "pino"
import { FinalBackups } from "../../backups/final-backups.ts"
import { Seats } from "../../databases/seats.ts"
import { Servers, type SharedServer, type SharedServerSettings } from "../../databases/servers.ts"
import { SharedServers } from "../../databases/shared-servers.ts"
import { DatabaseTemplates } from "../../databases/templates.ts"
import { TenantDatabases } from "../../databases/tenant-databases.ts"
import type { RootKey } from "../../domain/keys.ts"
import type { Relay } from "../../domain/odoo-conf.ts"
import { isSocketFolder } from "../../domain/socket-folder.ts"
import type { TenantSpec } from "../../domain/tenant.ts"
import type { Databases, Fence, Router, Templates } from "../driver.ts"
import { Cgroups } from "./cgroups.ts"
import type { LoopbackEndpoint } from "./endpoint.ts"
import { ProcessFiles } from "./files.ts"
import { ProcessFilestore } from "./filestore.ts"
import { Firewall } from "./firewall.ts"
import { ForkServers } from "./fork-servers.ts"
import { Holder } from "./holder.ts"
import { ProcessInstaller } from "./installer.ts"
import { arePortsKept, firstClosedFolder, missing, missingOfHolder } from "./isolation.ts"
import { Layout } from "./layout.ts"
import type { OdooPlace } from "./odoo.ts"
import { Places } from "./place.ts"
import { stageRelease } from "./release.ts"
import { ProcessRuntime } from "./runtime.ts"
import { SeatedRouter } from "./seated-router.ts"
import { ProcessTarget } from "./target.ts"

export interface ProcessTargetOptions {
  readonly name: string
  /** At least one. The first is this machine's own: it keeps the seats of all tenants. */
  readonly servers: readonly [SharedServerSettings, ...SharedServerSettings[]]
  readonly stateDir: string
  /** Where the project's own addons and runtime files are. */
  readonly repository: string
  /** Folder of pg_dump and pg_restore, or "" where they are on PATH. */
  readonly postgresBin: string
  readonly root: RootKey
  readonly odoo: OdooPlace
  readonly relay: Relay | null
  readonly network: string
  readonly uidBase: number
  /** Where nginx and the sidecar listen. */
  readonly ownPorts: readonly number[]
  readonly clones: number
  /** The installation's id; throws a RetryableError while the master has not told it yet. */
  readonly installation: () => string
  /** `guard` throws `StaleEpoch` where a younger claim has been at work. */
  readonly router: (
    guard: (fence: Fence) => Promise<void>,
    folder: string,
  ) => Router<LoopbackEndpoint> & { start(): Promise<void> }
  readonly log: Logger
}

export interface ProcessWorld {
  readonly target: ProcessTarget
  readonly databases: Databases
  readonly templates: Templates
}

const odooVersion = "19.0"
/** Seats of a /16; uids above the base are the tenants'. */
const lastSeat = 65_534

export async function openProcessTarget(options: ProcessTargetOptions): Promise<ProcessWorld> {
  const { stateDir, root, odoo, installation, relay, log } = options
  const layout = new Layout(stateDir)
  for (const folder of [layout.tenants, layout.releases]) await mkdir(folder, { recursive: true, mode: 0o711 })
  for (const folder of [layout.run, layout.backups]) {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await chmod(folder, 0o700)
  }
  const servers = new Servers(options.servers)
  const home = servers.named(options.servers[0].name)
  const release = await stageRelease(options.repository, layout.releases, odooVersion)

  const isRoot = process.getuid?.() === 0
  const closedFolder = isRoot ? await firstClosedFolder(layout.tenants) : null
  const ownUser = isRoot && closedFolder === null
  // No two installations on a machine may have the same users, so these name one, and a later one replaces the rules.
  const name = `odoo_saas_${options.uidBase}`
  const cgroups = isRoot ? await Cgroups.open(name) : null
  const firewall = ownUser
    ? await Firewall.open({
        table: name,
        firstUid: options.uidBase + 1,
        lastUid: options.uidBase + lastSeat,
        databases: servers.shared.map(({ address }) => address).filter(({ host }) => !isSocketFolder(host)),
        ownPorts: options.ownPorts,
        relay,
        log,
      })
    : null

  // Addresses and users are this machine's, whatever server a database is on: one table, and its unique index decides.
  // While that server is away nobody new gets a place here, and a sidecar that starts anew waits for it.
  const places = new Places(new Seats(home.operator), {
    network: options.network,
    uidBase: ownUser ? options.uidBase : null,
  })
  const holder = new Holder(odoo.python, release.folder, layout.run)
  const forkServers = new ForkServers({ servers, holder, layout, odoo, release, log })
  const installer = new ProcessInstaller({
    odoo,
    release,
    uid: ownUser ? options.uidBase : null,
    built: (name) => void forkServers.warm(name),
  })
  const templates = new DatabaseTemplates({ servers, root, installation, made: release.made, installer })
  const templateOf = (spec: TenantSpec) => templates.databaseOf(spec.template)
  const databases = new TenantDatabases({
    servers,
    root,
    installation,
    clones: options.clones,
    templateOf,
  })
  const router = options.router((fence) => servers.check(fence), layout.nginx)
  // Visitors of what runs already are served before anything is claimed; a port that is taken is told with each route.
  await router.start().catch((error: unknown) => log.error({ err: error }, "nginx is not in front of the tenants"))
  const files = new ProcessFiles(layout, places, servers)
  const target = new ProcessTarget({
    name: options.name,
    servers: new SharedServers({
      target: options.name,
      servers,
      disk: async (server) => (isOnThisMachine(server) ? await diskOf(stateDir) : null),
    }),
    holder,
    forkServers,
    places,
    firewall,
    log,
    missingIsolation: async () => [
      ...missing(
        { ownUser, limits: cgroups !== null, network: firewall !== null, ports: await arePortsKept() },
        closedFolder,
      ),
      ...missingOfHolder(await holder.missing(), ownUser),
    ],
    runtime: new ProcessRuntime({
      layout,
      places,
      servers,
      holder,
      cgroups,
      firewall,
      odoo,
      release,
      forkServers,
      templateOf,
      root,
      relay,
    }),
    files,
    backups: new FinalBackups({
      folder: layout.backups,
      run: layout.run,
      filestore: new ProcessFilestore(layout),
      servers,
      installation,
      bin: options.postgresBin,
    }),
    router: new SeatedRouter(router, places, files),
  })
  return { target, databases, templates }
}

/** What somebody has said of its disk comes first. */
function isOnThisMachine({ address, diskMb }: SharedServer): boolean {
  const { host } = address
  return diskMb === null && (isSocketFolder(host) || ["127.0.0.1", "localhost", "::1"].includes(host))
}

async function diskOf(folder: string) {
  const { bavail, bsize, blocks } = await statfs(folder)
  const mb = (count: number) => Math.floor((count * bsize) / 1024 / 1024)
  return { freeMb: mb(bavail), totalMb: mb(blocks) }
}
