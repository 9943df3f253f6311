/** The configuration file of one tenant's Odoo. It holds the database password, so only the tenant's user reads it. */
import { PermanentError } from "./errors.ts"
import { Folders, type OdooOptions, renderOptions } from "./odoo-options.ts"
import type { Limits, Outgoing, TenantId } from "./tenant.ts"

export interface Relay {
  readonly host: string
  readonly port: number
  readonly encryption: "none" | "starttls" | "ssl"
  /** PEM that vouches for the relay's certificate; "": the machine's own. */
  readonly certificates: string
  readonly user: string
  readonly password: string
  readonly fromFilter: string
}

/** A tenant whose plan sends no mail learns neither where the relay is nor its password. */
export function relayFor(outgoing: Outgoing, relay: Relay | null): Relay | null {
  return outgoing.mail ? relay : null
}

export interface OdooConf {
  readonly database: string
  readonly databaseHost: string
  readonly databasePort: number
  readonly role: string
  readonly password: string
  readonly addonsPath: readonly string[]
  readonly dataDir: string
  readonly relay: Relay | null
}

export interface TenantConf extends OdooConf {
  readonly tenant: TenantId
  readonly publicKey: string
  /** Where it listens. */
  readonly interface: string
  /** Where it reaches itself. */
  readonly address: string
  readonly port: number
  readonly limits: Pick<Limits, "connections">
  /** null: one process with threads, whatever its plan has. */
  readonly workers: Workers | null
}

/** Processes that answer a request each (runtime/servers/prefork.py), beside one for websockets. */
export interface Workers {
  readonly count: number
  /** Where that one listens. */
  readonly websocketPort: number
}

/**
 * What a process may hold at once: the request's connection, that of a job run within it, that of the mail sent after
 * its commit, and that of the notice to browsers after that of the mail. Nothing in Odoo takes a fifth.
 */
const workerConnections = 4
/** The process for crons holds another one for good, on which it waits for them. */
const cronConnections = workerConnections + 1
/** One on which it waits for notices, one kept for whoever has one already, two for all browsers. */
const websocketConnections = 4

/** The least that a plan must give. Kept equal to `connections_for` in saas_master/models/saas_plan.py by a test. */
export function connectionsFor(workers: number): number {
  return workers === 0 ? 5 : workers * workerConnections + cronConnections + websocketConnections
}

/** How long a worker may be busy with one request. More than a router waits, less than for ever: there are few of them. */
export const requestSeconds = 900

export function tenantConf(conf: TenantConf): string {
  return renderOptions({
    ...common(conf),
    ...(conf.workers ? processes(conf.workers, conf.limits.connections) : { db_maxconn: conf.limits.connections }),
    http_interface: conf.interface,
    http_port: conf.port,
    proxy_mode: true,
    max_cron_threads: 1,
    saas_tenant: conf.tenant,
    saas_public_key: conf.publicKey,
    // Who prints fetches styles from there. With every worker printing, only the one for websockets has time for that.
    saas_internal_url: `http://${conf.address}:${conf.workers?.websocketPort ?? conf.port}`,
  })
}

/** Each process has a pool of its own: shared out, they hold no more than the tenant's role may. */
function processes({ count, websocketPort }: Workers, connections: number): Record<string, number> {
  if (connections < connectionsFor(count)) {
    throw new PermanentError(
      `${count} workers need ${connectionsFor(count)} database connections, and the plan gives ${connections}. ` +
        "Give it more, or fewer workers.",
    )
  }
  return {
    workers: count,
    gevent_port: websocketPort,
    db_maxconn: workerConnections,
    db_maxconn_gevent: connections - count * workerConnections - cronConnections,
    // Here 0 would not be "none" but "no time at all": whatever has run for so long is killed.
    limit_time_real: requestSeconds,
    // But for crons, whose 0 is "none": nobody waits for them.
    limit_time_real_cron: 0,
    // The kernel's own clock, for them too. It cannot be switched off, so it is set to a day.
    limit_time_cpu: 86_400,
  }
}

export function templateConf(conf: OdooConf): string {
  return renderOptions({ ...common(conf), db_maxconn: 8, http_enable: false, max_cron_threads: 0 })
}

/** Of a process that has neither a database nor a folder: what it creates there fails, and Odoo goes on without. */
export function forkServerConf(addonsPath: readonly string[]): string {
  return renderOptions({
    addons_path: new Folders(...addonsPath),
    server_wide_modules: serverWideModules,
    data_dir: "/dev/null",
    ...noDatabaseManager,
  })
}

/** An empty password is nobody's; Odoo's own is "admin". */
const noDatabaseManager = { list_db: false, admin_passwd: "" }

/** Server-wide, the routes of saas_tenant answer whatever is done to the database. */
const serverWideModules = "base,rpc,web,saas_tenant"

function common(conf: OdooConf): OdooOptions {
  return {
    db_name: conf.database,
    db_host: conf.databaseHost,
    db_port: conf.databasePort,
    db_user: conf.role,
    db_password: conf.password,
    addons_path: new Folders(...conf.addonsPath),
    data_dir: new Folders(conf.dataDir),
    server_wide_modules: serverWideModules,
    ...noDatabaseManager,
    with_demo: false,
    workers: 0,
    // Odoo's own limits would execute the process anew; it is limited from outside.
    limit_memory_soft: 0,
    limit_memory_hard: 0,
    limit_time_cpu: 0,
    limit_time_real: 0,
    ...(conf.relay
      ? {
          smtp_server: conf.relay.host,
          smtp_port: conf.relay.port,
          // Ours (saas_tenant): Odoo's own smtp_ssl is STARTTLS with whoever answers.
          saas_smtp_encryption: conf.relay.encryption,
          ...(conf.relay.certificates ? { saas_smtp_ca: oneLine(conf.relay.certificates) } : {}),
          ...(conf.relay.user ? { smtp_user: conf.relay.user, smtp_password: conf.relay.password } : {}),
          ...(conf.relay.fromFilter ? { from_filter: conf.relay.fromFilter } : {}),
        }
      : // Odoo's default is localhost, where there may well be a mail server of the operator's.
        { smtp_server: "" }),
  }
}

function oneLine(pem: string): string {
  return Buffer.from(pem).toString("base64")
}
