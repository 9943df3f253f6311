/**
 * The first database of a server that is a tenant's own: a template is dumped on a shared server and restored there. Nobody
 * may be connected to a template, so it is a copy of it that is dumped.
 */
import { execa } from "execa"
import { RetryableError } from "../domain/errors.ts"
import type { TenantSpec } from "../domain/tenant.ts"
import type { Fence } from "../drivers/driver.ts"
import { awaitTurn } from "./clone-turn.ts"
import { dropDatabase } from "./drop-database.ts"
import { writeMark } from "./mark.ts"
import { ident, literal, type Operator } from "./operator.ts"
import { type ProgramsOptions, withLogins } from "./programs.ts"
import type { Servers, SharedServer } from "./servers.ts"
import { type Seed, seedOf, templateOwner } from "./tenant-databases.ts"

export interface SeedOptions extends ProgramsOptions {
  readonly servers: Servers
  readonly templateOf: (spec: TenantSpec) => string
  readonly installation: () => string
  readonly clones: number
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
  options: ProgramsOptions,
  { operator: from }: SharedServer,
  source: string,
  to: Operator,
  database: string,
  fence: Fence,
): Promise<void> {
  const rights = ["--no-owner", "--no-acl"]
  try {
    await withLogins(options, `seed-${fence.tenant}`, [from.settings, to.settings], async (command) => {
      const dump = command("pg_dump", from.settings, ["-Fc", "--no-comments", ...rights, "-d", source])
      const target = ["--role", templateOwner, "--exit-on-error", "-d", database]
      const restore = command("pg_restore", to.settings, [...rights, ...target])
      const common = { cancelSignal: fence.signal, buffer: { stdout: false } } as const
      await execa(dump.program, dump.args, { ...common, env: dump.env }).pipe(restore.program, restore.args, {
        ...common,
        env: restore.env,
      })
    })
  } catch (error) {
    fence.signal.throwIfAborted()
    const said = (error as { stderr?: string }).stderr?.trim().split("\n").at(-1)
    throw new RetryableError(`The template could not be brought to the tenant's own server: ${said || error}`)
  }
}
