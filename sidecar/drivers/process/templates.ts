/** Builds templates with a real Odoo, once for each content, under a name that they get when they are ready. */
import { randomBytes } from "node:crypto"
import { chmod, chown, mkdir, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { execa } from "execa"
import type pg from "pg"
import { dropDatabase, endSessions } from "../../databases/drop-database.ts"
import type { Fencing } from "../../databases/fence.ts"
import { type Mark, readMark, writeMark } from "../../databases/mark.ts"
import { ident, literal, type Operator } from "../../databases/operator.ts"
import { scramVerifier } from "../../databases/scram.ts"
import { templateOwner } from "../../databases/tenant-databases.ts"
import { PermanentError } from "../../domain/errors.ts"
import { derive, type RootKey } from "../../domain/keys.ts"
import { templateDatabase, templateSubject } from "../../domain/names.ts"
import type { TemplateSpec } from "../../domain/tenant.ts"
import type { Fence, Templates } from "../driver.ts"
import type { ForkServers } from "./fork-servers.ts"
import { addonsPaths, type OdooPlace, odooEnvironment, pythonPath } from "./odoo.ts"
import { templateConf } from "./odoo-conf.ts"
import type { StagedRelease } from "./release.ts"

export interface TemplatesOptions {
  readonly operator: Operator
  readonly fencing: Fencing
  readonly root: RootKey
  readonly installation: () => string
  readonly odoo: OdooPlace
  readonly release: StagedRelease
  readonly forkServers: ForkServers
  /** A user that builds run as where we are root; Odoo does not like to be root. */
  readonly uid: number | null
}

const turnPollMs = 200
/** A wrong module name or a broken addon is told by Odoo's last lines. */
const tellLines = 12

export class ProcessTemplates implements Templates {
  readonly #options: TemplatesOptions

  constructor(options: TemplatesOptions) {
    this.#options = options
  }

  databaseOf(template: TemplateSpec): string {
    return templateDatabase(template.key, this.#options.release.made)
  }

  async observe(template: TemplateSpec): Promise<"absent" | "ready"> {
    const rows = await this.#options.operator.query<{ comment: string | null }>(
      `SELECT shobj_description(oid, 'pg_database') AS comment FROM pg_database
        WHERE datname = $1 AND datdba = current_user::regrole AND NOT datallowconn`,
      [this.databaseOf(template)],
    )
    return readMark(rows[0]?.comment ?? null)?.stage === "ready" ? "ready" : "absent"
  }

  async build(template: TemplateSpec, fence: Fence): Promise<void> {
    const { fencing, operator } = this.#options
    const name = this.databaseOf(template)
    await fencing.raise(fence)
    // Two tenants may need the same template at once: the second waits here and finds it ready.
    await operator.session(operator.settings.database, `saas build ${name}`, async (lock) => {
      await this.#awaitTurn(lock, template, fence.signal)
      if ((await this.observe(template)) === "ready") return
      await this.#refuseForeign(lock, name)
      await dropDrafts(lock, name)
      // A name of its own for each try: whatever still works for an earlier one can never get in here.
      const draft = `${name}_${randomBytes(4).toString("hex")}`
      try {
        await this.#build(lock, template, { name, draft }, fence)
      } catch (error) {
        await dropDatabase(lock, draft)
        throw error
      }
      void this.#options.forkServers.warm(name)
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
    { name, draft }: { readonly name: string; readonly draft: string },
    fence: Fence,
  ): Promise<void> {
    const { operator, fencing, root } = this.#options
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
    await client.query(`COMMENT ON DATABASE ${ident(draft)} IS ${this.#mark(template, { stage: "building" })}`)
    await client.query(`REVOKE ALL ON DATABASE ${ident(draft)} FROM PUBLIC`)
    await client.query(`GRANT CONNECT, TEMPORARY ON DATABASE ${ident(draft)} TO ${templateOwner}`)
    await operator.session(draft, `saas build ${draft}`, async (inside) => {
      await inside.query(`GRANT USAGE, CREATE ON SCHEMA public TO ${templateOwner}`)
      for (const extension of ["pg_trgm", "unaccent"])
        await inside.query(`CREATE EXTENSION IF NOT EXISTS ${extension} SCHEMA public`)
    })
    await this.#install(template, draft, password, fence.signal)
    const content = { sources: [...template.release.sources], modules: await this.#installedIn(draft) }
    // A session on a template makes every clone of it fail, so nobody may have one.
    await client.query(`REVOKE ALL ON DATABASE ${ident(draft)} FROM ${templateOwner}`)
    await client.query(`ALTER DATABASE ${ident(draft)} WITH ALLOW_CONNECTIONS false`)
    await endSessions(client, draft)
    await fencing.check(fence)
    // One that is there under that name was not ready, or we would not be here.
    await dropDatabase(client, name)
    await client.query("BEGIN")
    await client.query(`ALTER DATABASE ${ident(draft)} RENAME TO ${ident(name)}`)
    await client.query(`COMMENT ON DATABASE ${ident(name)} IS ${this.#mark(template, { stage: "ready", content })}`)
    await client.query("COMMIT")
  }

  async #install(template: TemplateSpec, database: string, password: string, signal: AbortSignal): Promise<void> {
    const { operator, odoo, release, uid } = this.#options
    const folder = folderOf(database)
    await mkdir(folder, { mode: 0o700 })
    try {
      const conf = join(folder, "odoo.conf")
      const text = templateConf({
        database,
        databaseHost: operator.settings.host,
        databasePort: operator.settings.port,
        role: templateOwner,
        password,
        addonsPath: [...template.release.sources, ...addonsPaths(odoo), join(release.folder, "addons")],
        dataDir: join(folder, "data"),
        relay: null,
      })
      await writeFile(conf, text, { mode: 0o600 })
      await mkdir(join(folder, "data"))
      if (uid !== null) for (const path of [folder, conf, join(folder, "data")]) await chown(path, uid, uid)
      await chmod(folder, 0o700)
      const modules = [...template.modules, "saas_tenant"].join(",")
      const run = async (script: string, args: readonly string[]) => {
        const answer = await execa(odoo.python, [join(release.folder, script), "-c", conf, ...args], {
          cwd: folder,
          env: { ...odooEnvironment(odoo, folder), PYTHONPATH: `${release.folder}:${pythonPath(odoo)}` },
          extendEnv: false,
          reject: false,
          all: true,
          cancelSignal: signal,
          ...(uid === null ? {} : { uid, gid: uid }),
        })
        signal.throwIfAborted()
        const tail = (answer.all ?? "").trimEnd().split("\n").slice(-tellLines).join("\n")
        // Odoo ends with 0 although a module is unknown: it only says so.
        const unknown = /invalid module names, ignored: (.*)/.exec(answer.all ?? "")?.[1]
        if (unknown) throw new PermanentError(`The plan asks for apps that this Odoo does not have: ${unknown}.`)
        if (answer.exitCode !== 0)
          throw new PermanentError(`The template could not be built. Odoo's last lines:\n${tail}`)
      }
      const languages = template.languages.length > 0 ? [`--load-language=${template.languages.join(",")}`] : []
      await run("launch.py", ["-i", modules, ...languages, "--stop-after-init"])
      await run("build_template.py", [])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  /** Those that were asked for, and all that came along. */
  async #installedIn(database: string): Promise<string[]> {
    return await this.#options.operator.session(database, `saas build ${database}`, async (client) => {
      const { rows } = await client.query<{ name: string }>(
        "SELECT name FROM public.ir_module_module WHERE state = 'installed' ORDER BY name",
      )
      return rows.map(({ name }) => name)
    })
  }

  #mark(template: TemplateSpec, mark: Pick<Mark, "stage" | "content">): string {
    return literal(writeMark({ installation: this.#options.installation(), subject: template.key, ...mark }))
  }
}

/** What builds that were killed have left. */
async function dropDrafts(client: pg.Client, name: string): Promise<void> {
  const { rows } = await client.query<{ draft: string }>(
    `SELECT datname AS draft FROM pg_database
      WHERE datname ~ ('^' || $1::text || '_[0-9a-f]{8}$') AND datdba = current_user::regrole`,
    [name],
  )
  for (const { draft } of rows) {
    // The database goes last: it is what tells of the folder. Its Odoo, should it still be at work, ends with it.
    await rm(folderOf(draft), { recursive: true, force: true })
    await dropDatabase(client, draft)
  }
}

/** Of a build: whoever finds the draft that it has left finds this, too. */
function folderOf(draft: string): string {
  return join(tmpdir(), `saas-template-${draft}`)
}
