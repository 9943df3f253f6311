/**
 * Processes that have imported what a template has installed (runtime/fork_server.py): a tenant's Odoo that is forked
 * from one answers in a third of the time. Nothing depends on them: without one, the same program is executed.
 */
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Logger } from "pino"
import type { Servers } from "../../databases/servers.ts"
import { forkServerConf } from "../../domain/odoo-conf.ts"
import type { Holder } from "./holder.ts"
import type { Layout } from "./layout.ts"
import { addonsPaths, type OdooPlace, odooEnvironment } from "./odoo.ts"
import type { StagedRelease } from "./release.ts"

export interface ForkServersOptions {
  readonly servers: Pick<Servers, "shared">
  readonly holder: Holder
  readonly layout: Layout
  readonly odoo: OdooPlace
  readonly release: StagedRelease
  readonly log: Logger
}

/** As many as the holder keeps (runtime/holder/fork_servers.py). */
const kept = 2

export class ForkServers {
  readonly #options: ForkServersOptions
  readonly #under = new Set<Promise<void>>()

  constructor(options: ForkServersOptions) {
    this.#options = options
  }

  /** Those of the templates that were made last, before the first tenant asks for one. */
  async warmNewest(): Promise<void> {
    await this.#quietly(async () => {
      const rows = await this.#query(`${readyTemplates} ORDER BY oid DESC`)
      const ready = rows.filter(({ name }) => name.endsWith(this.#suffix))
      for (const template of ready.slice(0, kept)) await this.#warm(template)
    })
  }

  /** That of a template, by the name of its database; it is there in some seconds. */
  async warm(name: string): Promise<void> {
    await this.#quietly(async () => {
      const rows = await this.#query(`${readyTemplates} AND datname = $1`, [name])
      for (const template of rows.slice(0, 1)) await this.#warm(template)
    })
  }

  get #suffix(): string {
    return `_${this.#options.release.made.slice(0, 8)}`
  }

  /** The same template is the same on every server: who has it does not matter, nor who is away. */
  async #query(sql: string, values: readonly unknown[] = []): Promise<WarmTemplate[]> {
    const answers = await Promise.allSettled(
      this.#options.servers.shared.map(({ operator }) => operator.query<WarmTemplate>(sql, values)),
    )
    const rows = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []))
    const [first] = answers
    if (rows.length === 0 && first?.status === "rejected") throw first.reason
    return [...new Map(rows.map((row) => [row.name, row])).values()]
  }

  async #warm({ name, sources, modules }: WarmTemplate): Promise<void> {
    const { holder, layout, odoo, release } = this.#options
    const conf = layout.forkServerConf(name)
    const addonsPath = [...sources, ...addonsPaths(odoo), join(release.folder, "addons")]
    await mkdir(layout.run, { recursive: true })
    await writeFile(conf, forkServerConf(addonsPath), { mode: 0o600 })
    await holder.warm({
      name,
      argv: [odoo.python, join(release.folder, "fork_server.py"), "-c", conf, "--modules", modules.join(",")],
      env: odooEnvironment(odoo, layout.run),
      log: layout.forkServerLog,
    })
  }

  /** Nobody waits for them; but whoever stops the holder after us must not find it started anew by one. */
  async settled(): Promise<void> {
    await Promise.all(this.#under)
  }

  async #quietly(work: () => Promise<void>): Promise<void> {
    const done = work().catch((error: unknown) => {
      this.#options.log.warn({ err: error }, "no fork server could be made ready: tenants start more slowly")
    })
    this.#under.add(done)
    await done
    this.#under.delete(done)
  }
}

interface WarmTemplate {
  readonly name: string
  readonly sources: readonly string[]
  readonly modules: readonly string[]
}

const readyTemplates = `SELECT name, sources, modules FROM pg_database JOIN saas.template ON name = datname
  WHERE datdba = current_user::regrole AND NOT datallowconn`
