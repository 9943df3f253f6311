/** Installs the modules of a template with an Odoo of this machine. */
import { chmod, chown, mkdir, rm, writeFile } from "node:fs/promises"
import { availableParallelism, tmpdir } from "node:os"
import { join } from "node:path"
import { execa } from "execa"
import { buildFailed, type Draft, type Installer } from "../../databases/templates.ts"
import { templateOwner } from "../../databases/tenant-databases.ts"
import { PermanentError } from "../../domain/errors.ts"
import { isTenantId } from "../../domain/names.ts"
import { templateConf } from "../../domain/odoo-conf.ts"
import { Turns } from "../../domain/turns.ts"
import type { Fence } from "../driver.ts"
import { addonsPaths, type OdooPlace, odooEnvironment, pythonPath } from "./odoo.ts"
import type { StagedRelease } from "./release.ts"

export interface ProcessInstallerOptions {
  readonly odoo: OdooPlace
  readonly release: StagedRelease
  /** A user that builds run as where we are root; Odoo does not like to be root. */
  readonly uid: number | null
  /** A template of that name is new. */
  readonly built: (name: string) => void
}

/** An install keeps one processor busy, and PostgreSQL another. */
const processorsPerBuild = 2

/** A wrong module name or a broken addon is told by Odoo's last lines. */
const tellLines = 12

export class ProcessInstaller implements Installer {
  readonly #options: ProcessInstallerOptions
  readonly #turns = new Turns(Math.max(1, Math.floor(availableParallelism() / processorsPerBuild)))

  constructor(options: ProcessInstallerOptions) {
    this.#options = options
  }

  async install(draft: Draft, { tenant, signal }: Fence): Promise<void> {
    // One that a tenant waits for comes before one that is made for later.
    const giveBack = await this.#turns.take(isTenantId(tenant) ? 0 : 1, signal)
    try {
      await this.#install(draft, signal)
    } finally {
      giveBack()
    }
  }

  async #install(draft: Draft, signal: AbortSignal): Promise<void> {
    const { server, template, database, password, modules } = draft
    const { odoo, release, uid } = this.#options
    const folder = folderOf(database)
    await mkdir(folder, { mode: 0o700 })
    try {
      const conf = join(folder, "odoo.conf")
      const text = templateConf({
        database,
        databaseHost: server.address.host,
        databasePort: server.address.port,
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
      const run = async (script: string, args: readonly string[]) => {
        const command = [odoo.python, join(release.folder, script), "-c", conf, ...args]
        // What a tenant's Odoo may not do, no module may do while it is installed.
        const [program = "", ...rest] =
          uid === null ? command : [odoo.python, "-S", "-m", "holder.confined", `${uid}`, ...command]
        const answer = await execa(program, rest, {
          cwd: folder,
          env: { ...odooEnvironment(odoo, folder), PYTHONPATH: `${release.folder}:${pythonPath(odoo)}` },
          extendEnv: false,
          reject: false,
          all: true,
          cancelSignal: signal,
        })
        signal.throwIfAborted()
        const tail = (answer.all ?? "").trimEnd().split("\n").slice(-tellLines).join("\n")
        // Odoo ends with 0 although a module is unknown: it only says so.
        const unknown = /invalid module names, ignored: (.*)/.exec(answer.all ?? "")?.[1]
        if (unknown) throw new PermanentError(`The plan asks for apps that this Odoo does not have: ${unknown}.`)
        if (answer.exitCode !== 0) throw buildFailed(tail, answer.signal !== undefined)
      }
      const languages = template.languages.length > 0 ? [`--load-language=${template.languages.join(",")}`] : []
      await run("launch.py", ["-i", modules.join(","), ...languages, "--stop-after-init"])
      await run("build_template.py", [])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  async forget(draft: string): Promise<void> {
    await rm(folderOf(draft), { recursive: true, force: true })
  }

  built(name: string): void {
    this.#options.built(name)
  }
}

/** Of a build: whoever finds the draft that it has left finds this, too. */
function folderOf(draft: string): string {
  return join(tmpdir(), `saas-template-${draft}`)
}
