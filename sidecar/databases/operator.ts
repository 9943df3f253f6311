/** Connections of the operator's role, and of others where the operator must not trust what it would run. */
import pg from "pg"
import { PermanentError, RetryableError } from "../domain/errors.ts"
import { isSocketFolder } from "../domain/socket-folder.ts"
import { LivelyClient } from "./lively-client.ts"

export interface Server {
  /** A name or address, or the folder of its Unix socket. */
  readonly host: string
  readonly port: number
  /** Left out: as the environment says (PGSSLMODE). */
  readonly ssl?: false
}

export interface Credentials {
  readonly user: string
  readonly password: string
}

export interface OperatorSettings extends Server, Credentials {
  /** The operator's own database: epochs and seats. */
  readonly database: string
}

/** How long to wait for PostgreSQL to take a connection; on a busy machine that takes seconds. */
const connectTimeoutMs = 15_000
const keepAliveMs = 5_000

export class Operator {
  readonly settings: OperatorSettings
  readonly #pool: pg.Pool
  #schema: Promise<void> | null = null

  constructor(settings: OperatorSettings) {
    this.settings = settings
    const config = options(settings, settings, settings.database, "saas observe")
    this.#pool = new pg.Pool({ ...config, max: 4, Client: LivelyClient })
    // An idle connection that PostgreSQL ends is replaced at the next query; there is nothing else to do about it.
    this.#pool.on("error", () => undefined)
  }

  /** Short questions to the operator's own database. */
  async query<R extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<R[]> {
    await this.ensureSchema()
    return await tellApart(async () => (await this.#pool.query<R>(sql, [...values])).rows)
  }

  /** A session of its own, ended when the work is over. `name` is what PostgreSQL shows of it. */
  async session<T>(database: string, name: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
    return await sessionAs(this.settings, this.settings, database, name, work)
  }

  ensureSchema(): Promise<void> {
    this.#schema ??= this.#makeSchema().catch((error) => {
      this.#schema = null
      throw error
    })
    return this.#schema
  }

  async #makeSchema(): Promise<void> {
    await this.session(this.settings.database, "saas schema", async (client) => {
      // Several sidecars may start at once, and IF NOT EXISTS is no lock.
      await client.query("SELECT pg_advisory_lock(hashtext('saas schema'))")
      await client.query("CREATE SCHEMA IF NOT EXISTS saas")
      await client.query(
        `CREATE TABLE IF NOT EXISTS saas.tenant (
           id text PRIMARY KEY,
           epoch bigint NOT NULL DEFAULT 0,
           seat integer UNIQUE CHECK (seat BETWEEN 1 AND 65534)
         )`,
      )
      // The claim before this one, and the last one that has told its end: NULL where nothing is known.
      await client.query(
        "ALTER TABLE saas.tenant ADD COLUMN IF NOT EXISTS before bigint, ADD COLUMN IF NOT EXISTS settled bigint",
      )
      // What whoever has the seat may reach. Set before anything runs there.
      await client.query(
        `ALTER TABLE saas.tenant ADD COLUMN IF NOT EXISTS mail boolean NOT NULL DEFAULT true,
                                 ADD COLUMN IF NOT EXISTS https boolean NOT NULL DEFAULT true`,
      )
      // Of a ready template: where its addons are, and which of them are installed.
      await client.query(
        `CREATE TABLE IF NOT EXISTS saas.template (
           name text PRIMARY KEY,
           sources text[] NOT NULL,
           modules text[] NOT NULL
         )`,
      )
    })
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }
}

export async function sessionAs<T>(
  server: Server,
  credentials: Credentials,
  database: string,
  name: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  return await tellApart(async () => {
    const client = new LivelyClient(options(server, credentials, database, name))
    // Told again by the query that was under way, or by the next one.
    client.on("error", () => undefined)
    await client.connect()
    try {
      return await work(client)
    } finally {
      await client.end()
    }
  })
}

function options(server: Server, credentials: Credentials, database: string, name: string): pg.ClientConfig {
  return {
    host: server.host,
    port: server.port,
    user: credentials.user,
    password: credentials.password,
    database,
    application_name: name,
    // A tenant can put functions and operators of their own into `public`: nothing of ours is ever looked up there.
    options: "-c search_path=pg_catalog",
    connectionTimeoutMillis: connectTimeoutMs,
    // Of one that rests, the kernel asks by itself.
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMs,
    // Nobody but us gets between the two ends of a Unix socket, and PostgreSQL speaks no TLS there.
    ...(server.ssl === false || isSocketFolder(server.host) ? { ssl: false } : {}),
  }
}

/** Names go where no parameter can. */
export function ident(name: string): string {
  return pg.escapeIdentifier(name)
}

export function literal(text: string): string {
  return pg.escapeLiteral(text)
}

const awayCodes = new Set([
  "ECONNREFUSED",
  // There is no socket.
  "ENOENT",
  "ECONNRESET",
  "ENOTFOUND",
  "ETIMEDOUT",
  "EPIPE",
  "57P01",
  "57P02",
  "57P03",
  "53300",
])

const diskFull = "53100"

/** PostgreSQL away or busy is worth another try, a full disk is for a person; what it says of the work is passed on. */
async function tellApart<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Error && isAway(error)) {
      throw new RetryableError(`PostgreSQL does not serve us right now: ${error.message}.`, { cause: error })
    }
    if (error instanceof pg.DatabaseError && error.code === diskFull) {
      throw new PermanentError(
        `The disk of the database server is full: ${error.message}. Free some space there, then retry.`,
        { cause: error },
      )
    }
    throw error
  }
}

function isAway(error: Error): boolean {
  const { code } = error as { code?: string }
  return (
    (code !== undefined && awayCodes.has(code)) ||
    /Connection terminated|not queryable|timeout expired|timeout exceeded/i.test(error.message)
  )
}
