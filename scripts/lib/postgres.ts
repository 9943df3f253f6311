/**
 * A PostgreSQL cluster of our own in one folder: nobody else's databases are touched, and nobody else's settings
 * apply. It listens at a Unix socket in a folder that only its own user can write, and at no port: a port belongs to
 * anybody who binds it while PostgreSQL is away. The superuser is told by its user, everybody else by a password.
 */

import { execFileSync } from "node:child_process"
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import pg from "pg"
import { scramVerifier } from "../../sidecar/databases/scram.ts"
import { run, tryRun } from "./commands.ts"
import { asUser, isRoot, type OsUser } from "./os-user.ts"
import { awaitVacancy } from "./postmaster.ts"
import { accessRules, closingStatements, databases, masterStatements, memberships, type Role, roles } from "./roles.ts"
import type { Secrets } from "./secrets.ts"
import { until } from "./until.ts"

export const oldestPostgres = 15

/**
 * The newest PostgreSQL on this machine that is new enough, or the one that made the cluster in `folder`: others do not
 * read it. null where there is none. `PG_BIN` comes first.
 */
export function findPostgres(folder = ""): string | null {
  const given = process.env.PG_BIN
  if (given) return given
  const made = join(folder, "data", "PG_VERSION")
  if (folder !== "" && existsSync(made)) {
    const bin = join("/usr/lib/postgresql", readFileSync(made, "utf8").trim(), "bin")
    return existsSync(join(bin, "initdb")) ? bin : null
  }
  const root = "/usr/lib/postgresql"
  if (!existsSync(root)) return null
  const versions = readdirSync(root).map(Number)
  const usable = versions.filter((v) => v >= oldestPostgres && existsSync(join(root, String(v), "bin", "initdb")))
  return usable.length === 0 ? null : join(root, String(Math.max(...usable)), "bin")
}

/** Such as "15": clusters of one are not read by another. */
export function majorVersion(bin: string): string {
  const told = execFileSync(join(bin, "postgres"), ["--version"], { encoding: "utf8" })
  return /\d+/.exec(told)?.[0] ?? told.trim()
}

export interface ClusterOptions {
  readonly folder: string
  readonly port: number
  /** Folder of initdb, pg_ctl and the others. */
  readonly bin: string
  readonly osUser: OsUser
  /** For tests whose clients are pods: listen at `port` of 127.0.0.1, too. */
  readonly tcp?: boolean
  /** False for tests only: what the machine has not written when its power goes is lost. */
  readonly durable?: boolean
}

/**
 * Memory that one server process may have for itself, beside what all share. Whoever signs in may raise `work_mem` as they
 * like: what does not fit is an error of that statement, and does not make the machine end the whole server.
 */
const processBytes = 512 * 1024 * 1024

/** The kernel refuses longer paths of unix sockets. */
const longestSocketPath = 107

export class Cluster {
  readonly options: ClusterOptions
  readonly data: string
  /** Where the Unix socket is; the `host` of every connection. */
  readonly sockets: string
  readonly log: string

  constructor(options: ClusterOptions) {
    this.options = options
    this.data = join(options.folder, "data")
    this.sockets = join(options.folder, "sockets")
    this.log = join(options.folder, "postgresql.log")
  }

  get socket(): string {
    return join(this.sockets, `.s.PGSQL.${this.options.port}`)
  }

  exists(): boolean {
    return existsSync(join(this.data, "PG_VERSION"))
  }

  /** Makes the folder and the empty cluster in it, if they are not there; always writes the settings anew. */
  async create(): Promise<void> {
    const { folder, osUser } = this.options
    if (Buffer.byteLength(this.socket) > longestSocketPath) {
      throw new Error(`The path ${this.socket} is too long for a socket. Set SAAS_STATE_DIR to a shorter folder.`)
    }
    mkdirSync(folder, { recursive: true, mode: 0o711 })
    mkdirSync(this.sockets, { recursive: true })
    // Others get to the socket, and put nothing in its place.
    chmodSync(this.sockets, 0o711)
    if (isRoot) for (const path of [folder, this.sockets]) chownSync(path, osUser.uid, osUser.gid)
    if (!this.exists()) {
      const sync = this.options.durable === false ? ["--no-sync"] : []
      const locale = ["--encoding=UTF8", "--locale=C.UTF-8"]
      await this.tool("initdb", ["-D", this.data, "-U", "postgres", "--auth-local=peer", ...locale, ...sync])
    }
    this.writeSettings()
  }

  /** It runs with other settings than it would be started with now. */
  isOutdated(): boolean {
    const differs = ([name, lines]: readonly [string, readonly string[]]) => {
      const path = join(this.data, name)
      return !existsSync(path) || readFileSync(path, "utf8") !== textOf(lines)
    }
    return this.pid() !== null && Object.entries(this.settings()).some(differs)
  }

  private settings(): Readonly<Record<string, readonly string[]>> {
    const { port, osUser, durable, tcp } = this.options
    const people = new Set([osUser.name, ...(isRoot ? ["root"] : [])])
    const settings = [
      "# Written at every start; put settings of your own into postgresql.auto.conf (ALTER SYSTEM).",
      `port = ${port}`,
      `listen_addresses = '${tcp ? "127.0.0.1" : ""}'`,
      `unix_socket_directories = '${this.sockets}'`,
      // Who may use it is said in pg_hba.conf.
      "unix_socket_permissions = 0777",
      "password_encryption = 'scram-sha-256'",
      // Enough to promise a hundred tenants of the default plan their twelve each. The table of locks has a place for
      // each connection times `max_locks_per_transaction`: with its default of 64 that is room for thirty transactions
      // that lock all 3,000 tables and indexes of a tenant, as handing it over does. Measured: 340 MB altogether,
      // shared_buffers included; 300 connections with 256 took 312 MB.
      "max_connections = 1400",
      "max_locks_per_transaction = 64",
      // For each session, and nobody but a superuser lifts it: what one tenant sorts must not fill everybody's disk.
      "temp_file_limit = '5GB'",
      // Those that help with a statement have memory of their own, each as much as any other process.
      "max_worker_processes = 4",
      "shared_buffers = '256MB'",
      "max_wal_size = '2GB'",
      // After a crash the whole disk is synced at once: file by file, of 3,000 a tenant, visitors would wait for minutes.
      "recovery_init_sync_method = 'syncfs'",
      "log_line_prefix = '%m [%p] %u@%d '",
      // Whoever asked and is gone keeps nothing busy.
      "client_connection_check_interval = '10s'",
      ...(durable === false ? ["fsync = off", "full_page_writes = off"] : []),
    ]
    return {
      "saas.conf": settings,
      "pg_hba.conf": accessRules("peer map=superuser", tcp ? "127.0.0.1/32" : null),
      "pg_ident.conf": [...people].map((name) => `superuser  ${name}  postgres`),
    }
  }

  private writeSettings(): void {
    for (const [name, lines] of Object.entries(this.settings())) this.write(name, lines)
    const main = join(this.data, "postgresql.conf")
    const include = "include 'saas.conf'"
    const text = readFileSync(main, "utf8")
    if (!text.includes(include)) writeFileSync(main, `${text}\n${include}\n`)
  }

  private write(name: string, lines: readonly string[]): void {
    const path = join(this.data, name)
    writeFileSync(path, textOf(lines))
    chmodSync(path, 0o600)
    if (isRoot) chownSync(path, this.options.osUser.uid, this.options.osUser.gid)
  }

  /** Pid of our own postmaster, or null. A number in a stale file that now is somebody else's is not believed. */
  pid(): number | null {
    const file = join(this.data, "postmaster.pid")
    if (!existsSync(file)) return null
    const pid = Number(readFileSync(file, "utf8").split("\n")[0])
    const cwd = `/proc/${pid}/cwd`
    if (!existsSync("/proc/self/cwd")) return pid
    return existsSync(cwd) && readlinkSync(cwd) === realpathSync(this.data) ? pid : null
  }

  /** Resolves once it answers, whoever started it. */
  async start(): Promise<void> {
    if (this.pid() === null) await awaitVacancy(this.data, this.socket, () => this.pid() !== null)
    if (this.pid() !== null) {
      await until(async () => ((await this.answers()) ? true : null), {
        seconds: 60,
        otherwise: () => `PostgreSQL runs and does not answer. Its log may say why: ${this.log}`,
      })
      return
    }
    try {
      const start = ["start", "-D", this.data, "-l", this.log, "-w", "-t", "60", "-s"]
      await this.tool("pg_ctl", start, ["prlimit", `--data=${processBytes}`])
    } catch (error) {
      const tail = existsSync(this.log) ? readFileSync(this.log, "utf8").trim().split("\n").slice(-8).join("\n") : ""
      throw new Error(`PostgreSQL does not start. The end of ${this.log}:\n${tail}`, { cause: error })
    }
  }

  /** `immediate` is a crash: the next start recovers. */
  async stop(mode: "fast" | "immediate" = "fast"): Promise<void> {
    if (this.pid() === null) return
    await this.tool("pg_ctl", ["stop", "-D", this.data, "-m", mode, "-w", "-t", "60", "-s"])
  }

  /** Makes roles and databases that are missing and sets the passwords to what the secrets say. */
  async ensureRoles(secrets: Secrets): Promise<void> {
    await this.query("postgres", async (client) => {
      for (const role of roles) await ensureRole(client, role, secrets)
      for (const statement of memberships) await client.query(statement)
      for (const { name, owner } of databases) {
        const found = await client.query("SELECT FROM pg_database WHERE datname = $1", [name])
        if (found.rowCount === 0) await client.query(`CREATE DATABASE ${name} OWNER ${owner} TEMPLATE template0`)
      }
      for (const statement of closingStatements) await client.query(statement)
    })
    await this.query("master", async (client) => {
      for (const statement of masterStatements) await client.query(statement)
    })
  }

  /** As the superuser. */
  async query<T>(database: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ host: this.sockets, port: this.options.port, user: "postgres", database })
    // What is asked hears of it, too; what nobody hears would end this program.
    client.on("error", () => undefined)
    await client.connect()
    try {
      return await work(client)
    } finally {
      await client.end()
    }
  }

  /** Does it answer? Not whether anybody may sign in. */
  async answers(): Promise<boolean> {
    const args = ["-q", "-h", this.sockets, "-p", String(this.options.port), "-t", "2"]
    return (await tryRun(join(this.options.bin, "pg_isready"), args)).code === 0
  }

  private async tool(name: string, args: readonly string[], through: readonly string[] = []): Promise<string> {
    const [program = "", ...rest] = [...through, join(this.options.bin, name), ...args]
    const [command, line] = asUser(this.options.osUser, program, rest)
    // The folder we stand in may be closed to that user, who then could not even start.
    return run(command, line, { cwd: "/", env: { PATH: process.env.PATH ?? "", LC_ALL: "C.UTF-8" } })
  }
}

function textOf(lines: readonly string[]): string {
  return `${lines.join("\n")}\n`
}

async function ensureRole(client: pg.Client, role: Role, secrets: Secrets): Promise<void> {
  const found = await client.query("SELECT FROM pg_roles WHERE rolname = $1", [role.name])
  if (found.rowCount === 0) await client.query(`CREATE ROLE ${role.name}`)
  await client.query(`ALTER ROLE ${role.name} ${role.rights}`)
  if (role.password === null) return
  const password = secrets.read(role.password)
  const kept = await client.query("SELECT rolpassword FROM pg_authid WHERE rolname = $1", [role.name])
  if (matches(kept.rows[0]?.rolpassword ?? "", password)) return
  await client.query(`ALTER ROLE ${role.name} PASSWORD ${client.escapeLiteral(scramVerifier(password))}`)
}

function matches(verifier: string, password: string): boolean {
  const parts = /^SCRAM-SHA-256\$(\d+):([^$]+)\$/.exec(verifier)
  if (!parts?.[1] || !parts[2]) return false
  return scramVerifier(password, Buffer.from(parts[2], "base64"), Number(parts[1])) === verifier
}
