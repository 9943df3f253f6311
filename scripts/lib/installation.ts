/**
 * One installation in one folder: PostgreSQL, master, sidecar, and what the sidecar starts. `npm start` and the
 * tests make theirs with this same code; they differ in folder, ports and network only.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { run } from "./commands.ts"
import { fingerprintOf } from "./fingerprints.ts"
import { leftovers, sidecarsOf } from "./leftovers.ts"
import { Master } from "./master.ts"
import type { Odoo } from "./odoo.ts"
import { currentUser, databaseUser, isRoot, type OsUser } from "./os-user.ts"
import { ToDo } from "./packages.ts"
import { closedParent, repo } from "./paths.ts"
import { demandFree, pickFree } from "./ports.ts"
import { Cluster, findPostgres } from "./postgres.ts"
import { type Daemon, stopProcess } from "./processes.ts"
import type { Progress } from "./progress.ts"
import { Secrets } from "./secrets.ts"
import { notReadyBecause, sidecarEnvironment, sidecarServer } from "./sidecar.ts"
import { copyTree, ensureSnapshot } from "./snapshots.ts"
import { until } from "./until.ts"

export interface Ports {
  readonly postgres: number
  readonly master: number
  readonly sidecar: number
  readonly http: number
}

export interface InstallationSettings {
  readonly stateDir: string
  readonly ports: Ports
  /** The tenants' loopback network (/16), such as 127.66.0.0. */
  readonly network: string
  /** Tenants run as the uids above it, the master as the one below, where we are root. */
  readonly uidBase: number
  /** False for tests: quicker, and a power cut loses data. */
  readonly durable: boolean
  /** Load saas_master's demonstration data. */
  readonly demo: boolean
}

/** What saas_master stands on, in an Odoo of its own. */
const masterModules = ["crm", "sale_management", "website", "portal", "bus"]

/** Raise it when snapshots made by an older version of this code must not be used any more. */
const snapshotFormat = 1

/** Kept beside the master: what its database was last brought up to. */
interface Applied {
  readonly code: string
  readonly settings: string
}

export class Installation {
  readonly settings: InstallationSettings
  readonly odoo: Odoo
  readonly secrets: Secrets
  readonly postgres: Cluster
  readonly master: Master
  readonly sidecar: Daemon

  private constructor(settings: InstallationSettings, odoo: Odoo, bin: string, postgresUser: OsUser) {
    const { stateDir, ports } = settings
    this.settings = settings
    this.odoo = odoo
    this.secrets = new Secrets(join(stateDir, "secrets"))
    this.postgres = new Cluster({
      folder: join(stateDir, "postgres"),
      port: ports.postgres,
      bin,
      osUser: postgresUser,
      durable: settings.durable,
    })
    this.master = new Master({
      folder: join(stateDir, "master"),
      runFolder: join(stateDir, "run"),
      odoo,
      secrets: this.secrets,
      user: isRoot ? { name: "saas-master", uid: settings.uidBase - 1, gid: settings.uidBase - 1 } : currentUser(),
      port: ports.master,
      postgresPort: ports.postgres,
      sidecarPort: ports.sidecar,
    })
    this.sidecar = this.anotherSidecar("sidecar", {})
  }

  static async open(settings: InstallationSettings, odoo: Odoo): Promise<Installation> {
    const bin = findPostgres()
    if (bin === null) throw new ToDo("PostgreSQL 15 or newer is not installed. `npm run doctor` says how to get it.")
    return new Installation(settings, odoo, bin, await databaseUser())
  }

  get url(): string {
    return `http://localhost:${this.settings.ports.http}`
  }

  /** PostgreSQL up, the master's database there and up to date with the code and the settings. */
  async prepare(progress: Progress): Promise<void> {
    this.makeFolder()
    this.secrets.ensure()
    const fresh = !this.postgres.exists()
    if (fresh) {
      const snapshot = await masterSnapshot(this.odoo, progress)
      await progress("copy the prepared database", () => this.restore(snapshot))
    }
    await this.startPostgres(progress)
    this.master.writeFiles()
    await this.upgrade(fresh, progress)
  }

  /** An empty `master` database: for those who need PostgreSQL only. */
  async prepareEmpty(progress: Progress): Promise<void> {
    this.makeFolder()
    this.secrets.ensure()
    await this.startPostgres(progress)
  }

  async startPostgres(progress: Progress): Promise<void> {
    if (this.postgres.pid() === null) {
      await demandFree(this.settings.ports.postgres, "PG_PORT", "PostgreSQL")
      await progress("start PostgreSQL", async () => {
        await this.postgres.create()
        await this.postgres.start()
      })
    }
    await this.postgres.ensureRoles(this.secrets)
  }

  async startMaster(progress: Progress): Promise<void> {
    if (this.master.server.mark() !== null) return
    await demandFree(this.settings.ports.master, "MASTER_PORT", "the master Odoo")
    await progress("start the master Odoo", () => this.master.server.start())
  }

  /** The complete environment of a sidecar of this installation. */
  sidecarEnv(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
    const { stateDir, ports, network, uidBase } = this.settings
    const { odoo, secrets } = this
    const postgresBin = this.postgres.options.bin
    return { ...sidecarEnvironment({ stateDir, odoo, secrets, postgresBin, ports, network, uidBase }), ...extra }
  }

  /** With a pid file and a log of its own; a second one at the same time needs another SIDECAR_PORT too. */
  anotherSidecar(name: string, extra: Readonly<Record<string, string>>): Daemon {
    return sidecarServer({ name, stateDir: this.settings.stateDir, env: this.sidecarEnv(extra) })
  }

  async startSidecar(progress: Progress): Promise<void> {
    const { ports } = this.settings
    if (this.sidecar.mark() === null) {
      await demandFree(ports.sidecar, "SIDECAR_PORT", "the sidecar")
      await progress("start the sidecar", () => this.sidecar.start())
    }
    await progress("wait until the sidecar is ready", async (step) => {
      let reason = ""
      const ask = async () => {
        const because = await notReadyBecause(ports.sidecar)
        if (because === null) return true
        reason = because
        step.detail(reason)
        return null
      }
      const otherwise = () => `The sidecar is not ready: ${reason}\n${this.sidecar.lastWords()}`
      await until(ask, { seconds: 60, every: 200, otherwise })
    })
  }

  /** Stops all that was started from this folder, and only that. What is not running is passed over. */
  async stop(progress: Progress): Promise<string[]> {
    const { stateDir } = this.settings
    const stopped: string[] = []
    const one = async (name: string, running: boolean, work: () => Promise<void>) => {
      if (!running) return
      await progress(`stop ${name}`, work)
      stopped.push(name)
    }
    for (const sidecar of sidecarsOf(stateDir)) {
      await one(sidecar.name, true, () => stopProcess(sidecar.mark, 20))
    }
    const { front, tenants } = await leftovers(stateDir)
    for (const { name, mark } of front) await one(name, true, () => stopProcess(mark, 10))
    await one(`${tenants.length} tenants`, tenants.length > 0, async () => {
      await Promise.all(tenants.map(({ mark }) => stopProcess(mark, 20)))
    })
    await one("the master Odoo", this.master.server.mark() !== null, () => this.master.server.stop())
    await one("PostgreSQL", this.postgres.pid() !== null, () => this.postgres.stop())
    return stopped
  }

  private makeFolder(): void {
    const { stateDir } = this.settings
    mkdirSync(stateDir, { recursive: true, mode: isRoot ? 0o711 : 0o700 })
    const closed = isRoot ? closedParent(stateDir) : null
    if (closed === null) return
    throw new ToDo(
      `${stateDir} cannot be used: servers run as users of their own, and ${closed} lets nobody but its owner pass. ` +
        `Choose a folder for the state that others can pass, such as: SAAS_STATE_DIR=/var/lib/odoo-saas npm start`,
    )
  }

  private async restore(snapshot: string): Promise<void> {
    const { stateDir } = this.settings
    const incoming = join(stateDir, ".incoming")
    rmSync(incoming, { recursive: true, force: true })
    await copyTree(snapshot, incoming)
    // PostgreSQL comes last: once it is there, the copy counts as made.
    for (const name of ["master", "postgres"]) {
      rmSync(join(stateDir, name), { recursive: true, force: true })
      renameSync(join(incoming, name), join(stateDir, name))
    }
    rmSync(incoming, { recursive: true })
    const { uid, gid } = this.master.options.user
    if (isRoot) await run("chown", ["-R", `${uid}:${gid}`, join(stateDir, "master")])
  }

  private async upgrade(fresh: boolean, progress: Progress): Promise<void> {
    const applied = this.applied()
    const code = masterCode()
    if (applied.code !== code) {
      await this.master.server.stop()
      await progress("upgrade saas_master", (step) =>
        this.master.modules("-u", ["saas_master"], (line) => step.detail(lastModule(line))),
      )
      this.apply({ ...applied, code, settings: "" })
    }
    const wanted = this.masterSettings(fresh)
    const settings = fingerprintOf([], JSON.stringify({ ...wanted, fresh: false }))
    if (!fresh && this.applied().settings === settings) return
    await progress("set up the master", () => this.master.shell(configuration(wanted)))
    this.apply({ code, settings })
  }

  private masterSettings(fresh: boolean): Record<string, unknown> {
    const { ports, demo } = this.settings
    return {
      fresh,
      demo,
      admin_password: this.secrets.read("admin-password"),
      sidecar_password: this.secrets.read("sidecar-password"),
      parameters: {
        "saas.base_domain": "localhost",
        "saas.url_scheme": "http",
        "saas.url_port": String(ports.http),
        "web.base.url": this.url,
        "web.base.url.freeze": "True",
      },
    }
  }

  private get appliedFile(): string {
    return join(this.settings.stateDir, "master", "applied.json")
  }

  private applied(): Applied {
    if (!existsSync(this.appliedFile)) return { code: "", settings: "" }
    return JSON.parse(readFileSync(this.appliedFile, "utf8"))
  }

  private apply(applied: Applied): void {
    writeFileSync(this.appliedFile, JSON.stringify(applied))
  }

  /** Used while snapshots are made. */
  async installModules(names: readonly string[], progress: Progress, title: string): Promise<void> {
    await progress(title, (step) => this.master.modules("-i", names, (line) => step.detail(lastModule(line))))
  }

  markInstalled(): void {
    this.apply({ code: masterCode(), settings: "" })
  }
}

function masterCode(): string {
  return fingerprintOf([join(repo, "addons/saas_master")])
}

function lastModule(line: string): string {
  return /odoo\.modules\.loading: (Loading module .+ \(\d+\/\d+\))/.exec(line)?.[1] ?? ""
}

function configuration(settings: Record<string, unknown>): string {
  const program = readFileSync(join(repo, "scripts/lib/configure_master.py"), "utf8")
  return `import json\nsettings = json.loads(${JSON.stringify(JSON.stringify(settings))})\n${program}`
}

/** A stopped cluster whose database `master` has saas_master installed, and the filestore that goes with it. */
async function masterSnapshot(odoo: Odoo, progress: Progress): Promise<string> {
  const base = fingerprintOf([], String(snapshotFormat), odoo.version, odoo.pythonPath, ...masterModules)
  return ensureSnapshot("master", fingerprintOf([], base, masterCode()), async (folder) => {
    const below = await ensureSnapshot("base", base, async (empty) => {
      await build(empty, odoo, progress, async (installation) => {
        await installation.installModules(masterModules, progress, "install Odoo's CRM, sales and website")
      })
    })
    await copyTree(below, folder)
    await build(folder, odoo, progress, async (installation) => {
      await installation.installModules(["saas_master"], progress, "install saas_master")
      installation.markInstalled()
    })
  })
}

/** Starts what is in the folder, lets `work` change it, stops it, and removes what must not be copied. */
async function build(
  folder: string,
  odoo: Odoo,
  progress: Progress,
  work: (installation: Installation) => Promise<void>,
): Promise<void> {
  const postgres = await pickFree(20_000, 29_000)
  const ports = { postgres, master: postgres + 1, sidecar: postgres + 2, http: postgres + 3 }
  const settings = { stateDir: folder, ports, network: "127.66.0.0", uidBase: 200_000, durable: false, demo: false }
  const installation = await Installation.open(settings, odoo)
  await installation.prepareEmpty(progress)
  try {
    installation.master.writeFiles()
    await work(installation)
  } finally {
    await installation.postgres.stop()
  }
  const leftovers = ["secrets", "run", "master/odoo.conf", "master/nudge-token", "master/code", "master/modules.log"]
  for (const name of leftovers) rmSync(join(folder, name), { recursive: true, force: true })
}
