/**
 * The first database of a server that is a tenant's own: a template is dumped on a shared server and restored there. Nobody
 * may be connected to a template, so it is a copy of it that is dumped.
 */
import { rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { execa } from "execa"
import { RetryableError } from "../domain/errors.ts"
import type { TenantSpec } from "../domain/tenant.ts"
import type { Fence } from "../drivers/driver.ts"
import { awaitTurn } from "./clone-turn.ts"
import { dropDatabase } from "./drop-database.ts"
import { writeMark } from "./mark.ts"
import { ident, literal, type Operator, programEnvironment } from "./operator.ts"
import type { Servers, SharedServer } from "./servers.ts"
import { type Seed, seedOf, templateOwner } from "./tenant-databases.ts"

export interface SeedOptions {
  readonly servers: Servers
  readonly templateOf: (spec: TenantSpec) => string
  readonly installation: () => string
  readonly clones: number
  /** A folder of ours for secrets that programs read from files. */
  readonly run: string
  /** Folder of pg_dump and pg_restore, or "" where they are on PATH. */
  readonly bin: string
}

/** As the templates have them: what is restored belongs to a role that may not make them. */
const extensions = ["pg_trgm", "unaccent"]

export function seedFromTemplate(options: SeedOptions): Seed {
  return async (spec, to, database, fence) => {
    const shared = options.servers.named(spec.server)
    await to.session(database, `saas seed ${spec.id}`, async (client) => {
      await client.query(`GRANT USAGE, CREATE ON SCHEMA public TO ${templateOwner}`)
      for (const name of extensions) await client.query(`CREATE EXTENSION IF NOT EXISTS ${name} SCHEMA public`)
    })
    await shared.fencing.act(fence, async (client) => {
      const copy = seedOf(spec.id)
      await dropDatabase(client, copy)
      await awaitTurn(client, options.clones, fence.signal)
      await client.query(`CREATE DATABASE ${ident(copy)} TEMPLATE ${ident(options.templateOf(spec))} STRATEGY wal_log`)
      try {
        const mark = writeMark({ installation: options.installation(), subject: spec.id, stage: "building" })
        await client.query(`COMMENT ON DATABASE ${ident(copy)} IS ${literal(mark)}`)
        await client.query(`REVOKE ALL ON DATABASE ${ident(copy)} FROM PUBLIC`)
        await pour(options, shared, copy, to, database, fence)
      } finally {
        await dropDatabase(client, copy)
      }
    })
  }
}

async function pour(
  { run, bin }: SeedOptions,
  from: SharedServer,
  source: string,
  to: Operator,
  database: string,
  fence: Fence,
): Promise<void> {
  // Beside our other secrets, under one name: what a kill leaves there is overwritten by the next try.
  const passfile = join(run, `pgpass-seed-${fence.tenant}`)
  const line = ({ settings: { host, port, user, password } }: Operator) => `${host}:${port}:*:${user}:${password}\n`
  const connection = ({ settings: { host, port, user } }: Operator) => [
    "-h",
    host,
    "-p",
    String(port),
    "-U",
    user,
    "-w",
  ]
  const program = (name: string) => (bin ? join(bin, name) : name)
  const rights = ["--no-owner", "--no-acl"]
  await writeFile(passfile, line(from.operator) + line(to), { mode: 0o600 })
  try {
    const options = ({ settings }: Operator) => {
      const env = programEnvironment(settings, passfile)
      return { env, cancelSignal: fence.signal, buffer: { stdout: false } } as const
    }
    const dump = [...connection(from.operator), "-Fc", "--no-comments", ...rights, "-d", source]
    const restore = [...connection(to), ...rights, "--role", templateOwner, "--exit-on-error", "-d", database]
    await execa(program("pg_dump"), dump, options(from.operator)).pipe(program("pg_restore"), restore, options(to))
  } catch (error) {
    fence.signal.throwIfAborted()
    const said = (error as { stderr?: string }).stderr?.trim().split("\n").at(-1)
    throw new RetryableError(`The template could not be brought to the tenant's own server: ${said || error}`)
  } finally {
    await rm(passfile, { force: true })
  }
}
