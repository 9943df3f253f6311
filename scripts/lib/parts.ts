/** What an installation is made of, put together from its settings; nothing is started or written yet. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Master } from "./master.ts"
import type { Odoo } from "./odoo.ts"
import { currentUser, databaseUser, isRoot } from "./os-user.ts"
import { ToDo } from "./packages.ts"
import { Cluster, findPostgres } from "./postgres.ts"
import { Secrets } from "./secrets.ts"
import { sidecarSocket } from "./sidecar.ts"
import { socketFolder } from "./socket-folders.ts"

export interface Ports {
  readonly postgres: number
  /** For Odoo's own tests, which know no sockets: where the master listens instead of at its socket. */
  readonly master?: number
  readonly sidecar: number
  readonly http: number
}

export interface InstallationSettings {
  readonly stateDir: string
  readonly ports: Ports
  /** The tenants' loopback network (/16), such as 127.66.0.0. */
  readonly network: string
  /** Tenants run as the uids above it, the master as the one below, where we are root. */
  readonly uidBase: number
  /** False for tests: quicker, and a power cut loses data. */
  readonly durable: boolean
  /** Load saas_master's demonstration data. */
  readonly demo: boolean
  /** For tests whose tenants are pods: PostgreSQL listens at its port of 127.0.0.1, too. */
  readonly databaseTcp?: boolean
  /** Folder of the PostgreSQL that it runs with; found where nobody has said so. */
  readonly postgresBin?: string
}

export interface Parts {
  readonly secrets: Secrets
  readonly postgres: Cluster
  readonly master: Master
}

function noPostgres(cluster: string): string {
  if (findPostgres() === null) return "PostgreSQL 15 or newer is not installed. npm run doctor says how to get it."
  const made = readFileSync(join(cluster, "data", "PG_VERSION"), "utf8").trim()
  return (
    `The databases in ${cluster} were made by PostgreSQL ${made}, which is not here any more. ` +
    `Install it again (postgresql-${made}), or bring them to a newer one with pg_upgrade and name that with PG_BIN.`
  )
}

export async function makeParts(settings: InstallationSettings, odoo: Odoo): Promise<Parts> {
  const { stateDir, ports, uidBase, durable, databaseTcp: tcp = false } = settings
  const cluster = join(stateDir, "postgres")
  const bin = settings.postgresBin ?? findPostgres(cluster)
  if (bin === null) throw new ToDo(noPostgres(cluster))
  const secrets = new Secrets(join(stateDir, "secrets"))
  const osUser = await databaseUser()
  const postgres = new Cluster({ folder: cluster, port: ports.postgres, bin, osUser, durable, tcp })
  return {
    secrets,
    postgres,
    master: new Master({
      folder: join(stateDir, "master"),
      runFolder: join(stateDir, "run"),
      odoo,
      secrets,
      user: isRoot ? { name: "saas-master", uid: uidBase - 1, gid: uidBase - 1 } : currentUser(),
      ...(ports.master === undefined ? {} : { port: ports.master }),
      socketFolder: socketFolder(stateDir, "master"),
      database: { host: postgres.sockets, port: ports.postgres },
      sidecarSocket: sidecarSocket(stateDir, "sidecar"),
    }),
  }
}
