/**
 * Templates: databases that are built once for each content, under a name that they get when they are ready. What
 * installs the modules, a process or a pod, is the target's.
 */
import { randomBytes } from "node:crypto"
import { setTimeout as pause } from "node:timers/promises"
import type pg from "pg"
import { PermanentError, RetryableError } from "../domain/errors.ts"
import { derive, type RootKey } from "../domain/keys.ts"
import { templateDatabase, templateSubject } from "../domain/names.ts"
import type { TemplateSpec } from "../domain/tenant.ts"
import type { Fence, Templates } from "../drivers/driver.ts"
import { dropDatabase, endSessions } from "./drop-database.ts"
import { type Mark, readMark, writeMark } from "./mark.ts"
import { ident, literal } from "./operator.ts"
import { scramVerifier } from "./scram.ts"
import type { Servers, SharedServer } from "./servers.ts"
import { templateOwner } from "./tenant-databases.ts"

export interface TemplatesOptions {
  readonly servers: Servers
  readonly root: RootKey
  readonly installation: () => string
  /** Hash over what a template is made of besides release and modules. */
  readonly made: string
  readonly installer: Installer
}

/** What runs the real Odoo of a build. */
export interface Installer {
  /** Fills a database that is there and empty. Throws a PermanentError with Odoo's last lines where that fails. */
  install(draft: Draft, fence: Fence): Promise<void>
  /** Takes away what an install that was killed has left outside of the database. */
  forget(draft: string, fence: Fence): Promise<void>
  /** A template of that name is new. */
  built(name: string): void
}

export interface Draft {
  /** That the database is on. */
  readonly server: SharedServer
  readonly template: TemplateSpec
  readonly database: string
  /** Of `templateOwner`, for the time of the build. */
  readonly password: string
  readonly modules: readonly string[]
}

const turnPollMs = 200

/** `lastLines`: Odoo's. Where PostgreSQL went away while it was at work, trying again is all that there is to do. */
export function buildFailed(lastLines: string, killed = false): Error {
  const what = `The template could not be built. Odoo's last lines:\n${lastLines}`
  const isPassing = killed || /psycopg2\.(OperationalError|InterfaceError|errors\.AdminShutdown)/.test(lastLines)
  return isPassing ? new RetryableError(what) : new PermanentError(what)
}

export class DatabaseTemplates implements Templates {
  readonly #options: TemplatesOptions

  constructor(options: TemplatesOptions) {
    this.#options = options
  }

  databaseOf(template: TemplateSpec): string {
    return templateDatabase(template.key, this.#options.made)
  }

  async observe(template: TemplateSpec, server: string): Promise<"absent" | "ready"> {
    const rows = await this.#options.servers.named(server).operator.query<{ comment: string | null }>(
      `SELECT shobj_description(oid, 'pg_database') AS comment FROM pg_database
        WHERE datname = $1 AND datdba = current_user::regrole AND NOT datallowconn`,
      [this.databaseOf(template)],
    )
    return readMark(rows[0]?.comment ?? null)?.stage === "ready" ? "ready" : "absent"
  }

  async build(template: TemplateSpec, fence: Fence): Promise<void> {
    const server = this.#options.servers.named(fence.server)
    const { fencing, operator } = server
    const name = this.databaseOf(template)
    await fencing.raise(fence)
    // Two tenants may need the same template at once: the second waits here and finds it ready.
    await operator.session(operator.settings.database, `saas build ${name}`, async (lock) => {
      await this.#awaitTurn(lock, template, fence.signal)
      if ((await this.observe(template, server.name)) === "ready") return
      await this.#refuseForeign(lock, name)
      await this.#dropDrafts(lock, name, fence)
      // A name of its own for each try: whatever still works for an earlier one can never get in here.
      const draft = `${name}_${randomBytes(4).toString("hex")}`
      try {
        await this.#build(lock, template, { server, name, draft }, fence)
      } catch (error) {
        await dropDatabase(lock, draft)
        throw error
      }
      this.#options.installer.built(name)
    })
  }

  /** Another build takes minutes: whoever waits can be called off meanwhile. */
  async #awaitTurn(lock: pg.Client, template: TemplateSpec, signal: AbortSignal): Promise<void> {
    for (;;) {
      const { rows } = await lock.query<{ got: boolean }>("SELECT pg_try_advisory_lock(hashtext($1), 1) AS got", [
        templateSubject(template.key),
      ])
      if (rows[0]?.got) return
      await pause(turnPollMs, undefined, { signal })
    }
  }

  async #refuseForeign(client: pg.Client, name: string): Promise<void> {
    const { rows } = await client.query<{ comment: string | null }>(
      "SELECT shobj_description(oid, 'pg_database') AS comment FROM pg_database WHERE datname = $1",
      [name],
    )
    if (rows[0]?.comment && readMark(rows[0].comment)?.installation !== this.#options.installation()) {
      throw new PermanentError(`The database ${name} belongs to another installation. Move or rename it, then retry.`)
    }
  }

  async #build(
    client: pg.Client,
    template: TemplateSpec,
    { server, name, draft }: { readonly server: SharedServer; readonly name: string; readonly draft: string },
    fence: Fence,
  ): Promise<void> {
    const { root } = this.#options
    const { operator, fencing } = server
    const password = derive(root, "database-password/1/saas_template", 24).toString("base64url")
    // Two builds begin at once where there are two templates, and PostgreSQL refuses to change one role twice at a time.
    await client.query("BEGIN")
    await client.query("SELECT pg_advisory_xact_lock(hashtext('saas template owner'))")
    await client.query(`GRANT ${templateOwner} TO CURRENT_USER`)
    await client.query(`ALTER ROLE ${templateOwner} PASSWORD ${literal(scramVerifier(password))}`)
    await client.query("COMMIT")
    await client.query(
      `CREATE DATABASE ${ident(draft)} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' STRATEGY wal_log`,
    )
    await client.query(`COMMENT ON DATABASE ${ident(draft)} IS ${this.#mark(template, "building")}`)
    await client.query(`REVOKE ALL ON DATABASE ${ident(draft)} FROM PUBLIC`)
    await client.query(`GRANT CONNECT, TEMPORARY ON DATABASE ${ident(draft)} TO ${templateOwner}`)
    await operator.session(draft, `saas build ${draft}`, async (inside) => {
      await inside.query(`GRANT USAGE, CREATE ON SCHEMA public TO ${templateOwner}`)
      for (const extension of ["pg_trgm", "unaccent"])
        await inside.query(`CREATE EXTENSION IF NOT EXISTS ${extension} SCHEMA public`)
    })
    const modules = [...template.modules, "saas_tenant"]
    await this.#options.installer.install({ server, template, database: draft, password, modules }, fence)
    const installed = await this.#installedIn(server, draft)
    // A session on a template makes every clone of it fail, so nobody may have one.
    await client.query(`REVOKE ALL ON DATABASE ${ident(draft)} FROM ${templateOwner}`)
    await client.query(`ALTER DATABASE ${ident(draft)} WITH ALLOW_CONNECTIONS false`)
    await endSessions(client, draft)
    await fencing.check(fence)
    // One that is there under that name was not ready, or we would not be here.
    await dropDatabase(client, name)
    await client.query("BEGIN")
    await client.query(`ALTER DATABASE ${ident(draft)} RENAME TO ${ident(name)}`)
    await client.query(`COMMENT ON DATABASE ${ident(name)} IS ${this.#mark(template, "ready")}`)
    await client.query("DELETE FROM saas.template WHERE name = $1 OR name NOT IN (SELECT datname FROM pg_database)", [
      name,
    ])
    await client.query("INSERT INTO saas.template (name, sources, modules) VALUES ($1, $2, $3)", [
      name,
      template.release.sources,
      installed,
    ])
    await client.query("COMMIT")
  }

  /** Those that were asked for, and all that came along. */
  async #installedIn({ operator }: SharedServer, database: string): Promise<string[]> {
    return await operator.session(database, `saas build ${database}`, async (client) => {
      const { rows } = await client.query<{ name: string }>(
        "SELECT name FROM public.ir_module_module WHERE state = 'installed' ORDER BY name",
      )
      return rows.map(({ name }) => name)
    })
  }

  #mark(template: TemplateSpec, stage: Mark["stage"]): string {
    return literal(writeMark({ installation: this.#options.installation(), subject: template.key, stage }))
  }

  /** What builds that were killed have left. */
  async #dropDrafts(client: pg.Client, name: string, fence: Fence): Promise<void> {
    const { rows } = await client.query<{ draft: string }>(
      `SELECT datname AS draft FROM pg_database
        WHERE datname ~ ('^' || $1::text || '_[0-9a-f]{8}$') AND datdba = current_user::regrole`,
      [name],
    )
    for (const { draft } of rows) {
      // The database goes last: it is what tells of the rest. Its Odoo, should it still be at work, ends with it.
      await this.#options.installer.forget(draft, fence)
      await dropDatabase(client, draft)
    }
  }
}
