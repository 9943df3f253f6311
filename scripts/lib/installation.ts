/**
 * One installation in one folder: PostgreSQL, master, sidecar, and what the sidecar starts. `npm start` and the
 * tests make theirs with this same code; they differ in folder, ports and network only.
 */

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { type Config, readConfig, tenantUrlPort } from "../../sidecar/config.ts"
import { tenantPort } from "../../sidecar/drivers/process/place.ts"
import { readApplied, writeApplied } from "./applied.ts"
import { handBackCharge, takeCharge } from "./charge.ts"
import { fingerprintOf } from "./fingerprints.ts"
import { removeKernelRules } from "./kernel-rules.ts"
import { holderOf, leftovers, nginxOf, sidecarsOf } from "./leftovers.ts"
import type { Master } from "./master.ts"
import { masterCode, snapshotOf } from "./master-snapshot.ts"
import type { Odoo } from "./odoo.ts"
import { endProcessesOf, masterUser, tenantUsers, type UserRange } from "./own-users.ts"
import { type InstallationSettings, makeParts, type Parts } from "./parts.ts"
import { repo } from "./paths.ts"
import { demandFree, everyAddress, isFree, holderOf as takenBy } from "./ports.ts"
import type { Cluster } from "./postgres.ts"
import { type Daemon, stopProcess } from "./processes.ts"
import type { Progress } from "./progress.ts"
import type { Secrets } from "./secrets.ts"
import { demandSame } from "./settings.ts"
import { notReadyBecause, sidecarEnvironment, sidecarServer } from "./sidecar.ts"
import { copyTree } from "./snapshots.ts"
import { claimStateFolder, rememberedSettings, rememberSettings, removeStateFolder } from "./state-folder.ts"
import { until } from "./until.ts"

const firstDomain = "localhost"

export class Installation {
  readonly settings: InstallationSettings
  readonly odoo: Odoo
  readonly secrets: Secrets
  readonly postgres: Cluster
  readonly master: Master
  readonly sidecar: Daemon

  private constructor(settings: InstallationSettings, odoo: Odoo, parts: Parts) {
    this.settings = settings
    this.odoo = odoo
    this.secrets = parts.secrets
    this.postgres = parts.postgres
    this.master = parts.master
    this.sidecar = this.anotherSidecar("sidecar", {})
  }

  static async open(settings: InstallationSettings, odoo: Odoo): Promise<Installation> {
    return new Installation(settings, odoo, await makeParts(settings, odoo))
  }

  /** Where people find the master. */
  get url(): string {
    const config = this.config()
    return `${config.TENANT_URL_SCHEME}://${config.MASTER_HOST}${tenantUrlPort(config)}`
  }

  /** Where customers find their Odoos, with the domain that a new master has. */
  get tenantUrl(): string {
    const config = this.config()
    return `${config.TENANT_URL_SCHEME}://<address>.${firstDomain}${tenantUrlPort(config)}`
  }

  /** The sidecar's settings; throws a sentence about every one that is wrong. */
  private config(): Config {
    return readConfig(this.sidecarEnv())
  }

  /** Throws a sentence about whatever is wrong with the settings, before anything is changed. */
  async demandSettings(): Promise<void> {
    const { stateDir } = this.settings
    const before = rememberedSettings(stateDir)
    if (before !== null && this.isRunning()) demandSame(before, this.settings)
    this.claim()
    this.secrets.ensure()
    this.config()
    await this.endForgotten()
    await this.demandPorts()
  }

  isRunning(): boolean {
    const servers = [this.postgres.pid(), this.master.server.pid(), this.sidecar.pid()]
    return servers.some((pid) => pid !== null) || nginxOf(this.settings.stateDir).length > 0
  }

  /** Processes of our users that outlived everything of ours would be in the way, and may wait for just that. */
  private async endForgotten(): Promise<void> {
    const { stateDir, uidBase } = this.settings
    const { front, tenants } = await leftovers(stateDir)
    if (this.isRunning() || front.length + tenants.length > 0) return
    for (const users of [tenantUsers(uidBase), masterUser(uidBase)]) await endProcessesOf(users)
  }

  /** Throws a sentence about the first port that somebody else has. Those of servers of ours that run are fine. */
  private async demandPorts(): Promise<void> {
    const { stateDir, ports } = this.settings
    if (this.sidecar.mark() === null) await demandFree(ports.sidecar, "SIDECAR_PORT", "the sidecar")
    await this.demandTenantPort()
    if (nginxOf(stateDir).length === 0) await demandFree(ports.http, "HTTP_PORT", "nginx", everyAddress)
  }

  /** Each tenant listens on an address of its own, where an Odoo that listens on all addresses is in the way. */
  private async demandTenantPort(): Promise<void> {
    const { stateDir, network } = this.settings
    const first = network.replace(/0$/, "1")
    const port = tenantPort(process.getuid?.() === 0)
    const { front, tenants } = await leftovers(stateDir)
    if (front.length + tenants.length > 0 || (await isFree(port, first))) return
    const holder = takenBy(port, first) ?? "another process (which one only root can see)"
    throw new Error(
      `Port ${port} on ${first} for the tenants is taken by ${holder}. Stop that, or let it listen on 127.0.0.1 ` +
        "only (http_interface in its odoo.conf).",
    )
  }

  /** PostgreSQL up, the master's database there and up to date with the code and the settings. */
  async prepare(progress: Progress): Promise<void> {
    this.claim()
    this.secrets.ensure()
    if (!this.postgres.exists()) {
      const snapshot = await snapshotOf("master", this.odoo, progress)
      await progress("copy the prepared database", () => this.restore(snapshot))
    }
    await this.startPostgres(progress)
    await this.master.writeFiles()
    await this.upgrade(progress)
  }

  /** An empty `master` database: for those who need PostgreSQL only. */
  async prepareEmpty(progress: Progress): Promise<void> {
    this.claim()
    this.secrets.ensure()
    await this.startPostgres(progress)
  }

  async startPostgres(progress: Progress): Promise<void> {
    if (this.postgres.isOutdated()) {
      await progress("stop PostgreSQL, whose settings have changed", () => this.postgres.stop())
    }
    if (this.postgres.pid() === null) {
      await progress("start PostgreSQL", async () => {
        await this.postgres.create()
        await this.postgres.start()
      })
    } else await this.postgres.start()
    await this.postgres.ensureRoles(this.secrets)
  }

  async startMaster(progress: Progress): Promise<void> {
    const { server } = this.master
    if (server.isOutdated()) await progress("stop the master Odoo, which has changed", () => server.stop())
    if (server.mark() === null) await progress("start the master Odoo", () => server.start())
  }

  /** The complete environment of a sidecar of this installation. */
  sidecarEnv(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
    const { stateDir, ports, network, uidBase } = this.settings
    const { odoo, secrets } = this
    const { sockets: postgresSockets, options } = this.postgres
    const postgres = { postgresBin: options.bin, postgresSockets }
    const masterSocket = this.master.socket
    const around = { stateDir, odoo, secrets, ...postgres, masterSocket, ports, network, uidBase }
    return { ...sidecarEnvironment(around), ...extra }
  }

  /** With a pid file and a log of its own; a second one at the same time needs another SIDECAR_PORT too. */
  anotherSidecar(name: string, extra: Readonly<Record<string, string>>): Daemon {
    return sidecarServer({ name, stateDir: this.settings.stateDir, env: this.sidecarEnv(extra) })
  }

  async startSidecar(progress: Progress): Promise<void> {
    // Tenants run on meanwhile.
    if (this.sidecar.isOutdated()) await progress("stop the sidecar, which has changed", () => this.sidecar.stop())
    await this.replaceHolder(progress)
    if (this.sidecar.mark() === null) {
      await progress("start the sidecar", () => this.sidecar.start())
    }
    await this.sidecarReady(progress)
  }

  /** Resolves once the one that runs has all that it needs, whoever started it and with what settings. */
  async sidecarReady(progress: Progress): Promise<void> {
    const { ports } = this.settings
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

  /** The sidecar starts one of its own code, which takes over what the other one has started. */
  private async replaceHolder(progress: Progress): Promise<void> {
    const { stateDir } = this.settings
    const file = join(stateDir, "run", "holder-code")
    const code = fingerprintOf([join(repo, "runtime")])
    if (existsSync(file) && readFileSync(file, "utf8") === code) return
    for (const { name, mark } of await holderOf(stateDir)) {
      await progress(`stop ${name}, which has changed`, () => stopProcess(mark, 10))
    }
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, code)
  }

  /** Stops all that was started from this folder, and only that. What is not running is passed over. */
  async stop(progress: Progress): Promise<string[]> {
    const { stateDir } = this.settings
    await takeCharge(stateDir, "stop")
    try {
      return await this.stopAll(progress)
    } finally {
      handBackCharge(stateDir)
    }
  }

  private async stopAll(progress: Progress): Promise<string[]> {
    const { stateDir, uidBase } = this.settings
    const stopped: string[] = []
    const one = async (name: string, running: boolean, work: () => Promise<void>) => {
      if (!running) return
      await progress(`stop ${name}`, work)
      stopped.push(name)
    }
    const endUsers = async (name: string, users: UserRange) => {
      if (await endProcessesOf(users)) stopped.push(name)
    }
    for (const sidecar of sidecarsOf(stateDir)) {
      await one(sidecar.name, true, () => stopProcess(sidecar.mark, 20))
    }
    const { front, tenants } = await leftovers(stateDir)
    for (const { name, mark } of front) await one(name, true, () => stopProcess(mark, 10))
    await one(tenants.length === 1 ? "one tenant" : `${tenants.length} tenants`, tenants.length > 0, async () => {
      await Promise.all(tenants.map(({ mark }) => stopProcess(mark, 20)))
    })
    // Nobody may be left to wait for the moment in which our ports and sockets are free.
    await endUsers("what the tenants left", tenantUsers(uidBase))
    await removeKernelRules(uidBase)
    await one("the master Odoo", this.master.server.mark() !== null, () => this.master.server.stop())
    await endUsers("what the master left", masterUser(uidBase))
    await one("PostgreSQL", this.postgres.pid() !== null, () => this.postgres.stop())
    return stopped
  }

  private claim(): void {
    claimStateFolder(this.settings.stateDir)
    rememberSettings({ ...this.settings, postgresBin: this.postgres.options.bin })
  }

  /** Removes the folder with all that is in it. Everything must have been stopped. */
  remove(): void {
    removeStateFolder(this.settings.stateDir)
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
  }

  private async upgrade(progress: Progress): Promise<void> {
    const { folder } = this.master.options
    const code = masterCode()
    const before = readApplied(folder)
    if (before.code !== code) {
      await this.master.server.stop()
      await this.master.modules("-u", ["saas_master"], progress, "upgrade saas_master")
      writeApplied(folder, { ...before, code })
    }
    const wanted = this.masterSettings()
    const settings = fingerprintOf([], JSON.stringify(wanted))
    if (before.own && before.settings === settings) return
    await progress("set up the master", () => this.master.shell(configuration({ ...wanted, fresh: !before.own })))
    writeApplied(folder, { code, settings, own: true })
  }

  private masterSettings(): Record<string, unknown> {
    const config = this.config()
    return {
      demo: this.settings.demo,
      admin_password: this.secrets.read("admin-password"),
      sidecar_password: this.secrets.read("sidecar-password"),
      // A person changes this one in the master.
      first_parameters: { "saas.base_domain": firstDomain },
      parameters: {
        "saas.url_scheme": config.TENANT_URL_SCHEME,
        "saas.url_port": String(config.TENANT_URL_PORT ?? config.HTTP_PORT),
        "web.base.url": this.url,
        "web.base.url.freeze": "True",
      },
    }
  }
}

function configuration(settings: Record<string, unknown>): string {
  const program = readFileSync(join(repo, "scripts/lib/configure_master.py"), "utf8")
  return `import json\nsettings = json.loads(${JSON.stringify(JSON.stringify(settings))})\n${program}`
}
