/**
 * A whole installation for one test file: folder, PostgreSQL, ports and network of its own, made with the very
 * code that `npm start` uses and gone when the test is over. What is expensive comes out of a cache.
 *
 *     const it = await makeInstallation("crash", { parts: "all" })
 *     …
 *     await it.destroy()
 */
import type { Cluster } from "../../scripts/lib/postgres.ts"
import type { Secrets } from "../../scripts/lib/secrets.ts"
import type { MasterAccess } from "./master.ts"

export interface InstallationOptions {
  /**
   * `database`: PostgreSQL with roles and databases, nothing installed in `master`.
   * `master`: and a master Odoo with saas_master, running.
   * `all`: and a sidecar, nginx and the template of the demo plan, ready.
   */
  readonly parts: "database" | "master" | "all"
  /** Added to the environment of the sidecar that `all` starts. */
  readonly sidecarEnv?: Readonly<Record<string, string>>
}

/** A server of this installation: it can be ended like a person or a machine would, and started again. */
export interface Server {
  readonly pid: () => number | null
  readonly log: string
  start(): Promise<void>
  /** SIGTERM, and SIGKILL when it takes more than `seconds` (default 20). */
  stop(seconds?: number): Promise<void>
  /** SIGKILL, and only returns when it is gone. */
  kill(): Promise<void>
}

export interface Installation {
  readonly stateDir: string
  readonly ports: {
    readonly postgres: number
    readonly master: number
    readonly sidecar: number
    readonly http: number
  }
  /** Such as 127.83.0.0, a /16. */
  readonly network: string
  readonly secrets: Secrets
  readonly postgres: Cluster
  readonly masterServer: Server
  readonly sidecar: Server
  /** Signed on as the administrator. */
  readonly master: MasterAccess
  /** Base of a tenant's address: `http://acme.localhost:<http port>`. */
  tenantUrl(slug: string): string
  /** The complete environment of a sidecar of this installation. */
  sidecarEnv(extra?: Readonly<Record<string, string>>): Record<string, string>
  /** Another sidecar on the same installation, with a port and a log of its own; not started yet. */
  anotherSidecar(name: string, extra?: Readonly<Record<string, string>>): Promise<Server>
  /** Stops everything, tenants too, and removes the folder; keeps the logs where KEEP_LOGS names a folder. */
  destroy(): Promise<void>
}

export async function makeInstallation(name: string, options: InstallationOptions): Promise<Installation> {
  throw new Error(`the installation ${name} with ${options.parts} cannot be made yet`)
}
