/** The operator's own Odoo: its configuration, its modules and its server. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { provenServer } from "../../sidecar/databases/programs.ts"
import { Folders, renderOptions } from "../../sidecar/domain/odoo-options.ts"
import { run } from "./commands.ts"
import { fingerprintOf } from "./fingerprints.ts"
import { type Odoo, pythonEnv } from "./odoo.ts"
import { asUser, currentUser, isRoot, type OsUser } from "./os-user.ts"
import { closedParent, repo } from "./paths.ts"
import { Daemon } from "./processes.ts"
import type { Progress } from "./progress.ts"
import type { Secrets } from "./secrets.ts"
import { makeSocketFolder, nginxGroup } from "./socket-folders.ts"
import { askSocket } from "./unix-http.ts"

const ownDatabase = "scripts/lib/odoo_own_database.py"
const ownSocket = "scripts/lib/odoo_socket.py"
const codeParts = ["addons/saas_master", "runtime/launch.py", "runtime/servers", ownDatabase, ownSocket]

/**
 * A threaded Odoo executes itself anew when one request, or one job, takes longer than the first two, or when it has
 * become larger than the last: half a minute in which nobody is served, for a language that somebody installs.
 */
const noRestarts = { limit_time_real: 0, limit_time_real_cron: 0, limit_memory_soft: 0, limit_memory_hard: 0 }
const staticFiles = join(repo, "addons/saas_master/static/src")

export interface MasterOptions {
  readonly folder: string
  readonly runFolder: string
  readonly odoo: Odoo
  readonly secrets: Secrets
  readonly user: OsUser
  /** Of 127.0.0.1, where it listens instead of at its socket. */
  readonly port?: number
  /** Where its socket lies. */
  readonly socketFolder: string
  readonly database: { readonly host: string; readonly port: number }
  readonly sidecarSocket: string
}

export class Master {
  readonly options: MasterOptions
  readonly server: Daemon
  private readonly config: string
  private readonly code: string

  constructor(options: MasterOptions) {
    this.options = options
    this.config = join(options.folder, "odoo.conf")
    this.code = codeFolder(options.folder)
    this.server = new Daemon({
      name: "The master Odoo",
      pidFile: join(options.runFolder, "master.json"),
      log: join(options.folder, "odoo.log"),
      command: options.odoo.python,
      args: this.arguments("server", []),
      env: {
        ...this.env(),
        SAAS_SIDECAR_URL: `unix:${options.sidecarSocket}`,
        SAAS_NUDGE_TOKEN_FILE: this.nudgeToken,
      },
      cwd: "/",
      user: options.user,
      made: () => this.made(),
      ready: async () => (await this.healthy()) || null,
      readySeconds: 120,
    })
  }

  /** Where it answers HTTP. */
  get socket(): string {
    return join(this.options.socketFolder, "http.sock")
  }

  get data(): string {
    return join(this.options.folder, "data")
  }

  /** The master runs as a user of its own, so it reads a copy of its own. */
  private get nudgeToken(): string {
    return join(this.options.folder, "nudge-token")
  }

  /** Writes everything that it reads at its start. */
  async writeFiles(): Promise<void> {
    const { folder, secrets, user, port, socketFolder, sidecarSocket, database, odoo } = this.options
    mkdirSync(this.data, { recursive: true, mode: 0o700 })
    stageCode(folder)
    makeSocketFolder(socketFolder, user.uid, nginxGroup())
    makeSocketFolder(dirname(sidecarSocket), currentUser().uid, user.gid)
    const settings = {
      addons_path: new Folders(...odoo.addonsPath, join(this.code, "addons")),
      admin_passwd: secrets.read("odoo-master-password"),
      data_dir: new Folders(this.data),
      db_host: database.host,
      db_maxconn: 64,
      db_name: "master",
      db_password: secrets.read("pg-master-password"),
      db_port: database.port,
      db_user: "saas_master",
      ...(port === undefined
        ? { http_interface: `unix://${this.socket}` }
        : { http_interface: "127.0.0.1", http_port: port }),
      ...noRestarts,
      list_db: false,
      max_cron_threads: 1,
      proxy_mode: true,
      without_demo: true,
      workers: 0,
    }
    writeFileSync(this.config, renderOptions(settings), { mode: 0o600 })
    writeFileSync(this.nudgeToken, `${secrets.read("nudge-token")}\n`, { mode: 0o600 })
    // A copied filestore may belong to the master that it was copied from.
    if (isRoot) await run("chown", ["-R", `${user.uid}:${user.gid}`, folder])
  }

  /** Whether it answers, and PostgreSQL to it. */
  private async healthy(): Promise<boolean> {
    const answer = await askSocket(this.socket, { path: "/web/health?db_server_status=1", timeoutMs: 5000 })
    return answer?.status === 200
  }

  /** Changes with everything that it reads at its start only. */
  private made(): string {
    const code = ["runtime", "addons/saas_master"].map((name) => join(repo, name))
    const scripts = ["dist/backend.js", "dist/frontend.js"].map((name) => join(staticFiles, name)).filter(existsSync)
    const read = [this.config, ...[ownDatabase, ownSocket].map((name) => join(repo, name)), ...scripts].map((file) =>
      readFileSync(file, "utf8"),
    )
    return fingerprintOf(code, this.options.odoo.version, this.options.odoo.python, ...read)
  }

  /** Installs (`-i`) or upgrades (`-u`) and ends. */
  async modules(how: "-i" | "-u", names: readonly string[], progress: Progress, title: string): Promise<void> {
    const [command, args] = this.commandLine("server", [how, names.join(","), "--stop-after-init", "--no-http"])
    const log = join(this.options.folder, "modules.log")
    await progress(title, (step) =>
      run(command, args, { cwd: "/", env: this.env(), log, onLine: (line) => step.detail(moduleIn(line)) }),
    )
  }

  /** Runs Python with `env` at hand; the program travels by standard input, where no process list shows it. */
  async shell(program: string): Promise<string> {
    const [command, args] = this.commandLine("shell", ["--no-http", "--shell-interface=python", "--log-level=warn"])
    return run(command, args, { cwd: "/", env: this.env(), input: program })
  }

  commandLine(command: string, args: readonly string[]): [string, string[]] {
    return asUser(this.options.user, this.options.odoo.python, this.arguments(command, args))
  }

  private arguments(command: string, args: readonly string[]): string[] {
    return [join(this.code, ownDatabase), command, "-c", this.config, ...args]
  }

  env(): Record<string, string> {
    const { folder, user, odoo } = this.options
    return { ...pythonEnv(odoo.pythonPath), ...provenServer, HOME: folder, USER: user.name, LOGNAME: user.name }
  }
}

function moduleIn(line: string): string {
  return /odoo\.modules\.loading: (Loading module .+ \(\d+\/\d+\))/.exec(line)?.[1] ?? ""
}

/** The repository itself where the master's user can read it, else a copy below the state folder. */
function codeFolder(folder: string): string {
  return isRoot && closedParent(repo) !== null ? join(folder, "code") : repo
}

function stageCode(folder: string): void {
  const target = codeFolder(folder)
  if (target === repo) return
  rmSync(target, { recursive: true, force: true })
  for (const part of codeParts) {
    if (existsSync(join(repo, part))) cpSync(join(repo, part), join(target, part), { recursive: true })
  }
}
