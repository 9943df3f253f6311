/** runtime/launch.py on a database of Odoo's own modules, with nothing of ours around it. */
import { type ChildProcess, spawn } from "node:child_process"
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { snapshotOf } from "../../scripts/lib/master-snapshot.ts"
import { ensureOdoo, type Odoo, pythonEnv } from "../../scripts/lib/odoo.ts"
import { makeParts, type Parts } from "../../scripts/lib/parts.ts"
import { repo } from "../../scripts/lib/paths.ts"
import { pickFree } from "../../scripts/lib/ports.ts"
import { silent } from "../../scripts/lib/progress.ts"
import { copyTree } from "../../scripts/lib/snapshots.ts"
import { until } from "../helpers/wait.ts"

export class BareOdoo {
  readonly odoo: Odoo
  readonly parts: Parts
  readonly port: number
  /** With Odoo in it. Its role, `saas_master`, may connect to no other. */
  readonly database = "master"
  readonly #folder: string
  readonly #started: ChildProcess[] = []

  private constructor(odoo: Odoo, parts: Parts, port: number, folder: string) {
    this.odoo = odoo
    this.parts = parts
    this.port = port
    this.#folder = folder
  }

  /** Takes its ports from there on. */
  static async open(ports: number): Promise<BareOdoo> {
    const odoo = await ensureOdoo(silent)
    const folder = mkdtempSync(join(tmpdir(), "saas-runtime-"))
    chmodSync(folder, 0o711)
    const postgres = await pickFree(ports, ports + 20)
    const port = await pickFree(ports + 21, ports + 38)
    const parts = await makeParts(
      {
        stateDir: folder,
        ports: { postgres, sidecar: 0, http: 0 },
        network: "127.66.0.0",
        uidBase: 200_000,
        durable: false,
        demo: false,
      },
      odoo,
    )
    await copyTree(await snapshotOf("base", odoo, silent), folder)
    mkdirSync(join(folder, "data"), { recursive: true })
    parts.secrets.ensure()
    await parts.postgres.create()
    await parts.postgres.start()
    await parts.postgres.ensureRoles(parts.secrets)
    return new BareOdoo(odoo, parts, port, folder)
  }

  async close(): Promise<void> {
    for (const { pid } of this.#started.filter(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    )) {
      // With its workers, which outlive it for a moment where it is killed.
      await until("all of it is gone", () => pid === undefined || isGone(pid), { seconds: 10 })
    }
    await this.parts.postgres.stop("immediate")
    rmSync(this.#folder, { recursive: true })
  }

  get password(): string {
    return this.parts.secrets.read("pg-master-password")
  }

  path(name: string): string {
    return join(this.#folder, name)
  }

  write(name: string, text: string): string {
    writeFileSync(this.path(name), text, { mode: 0o600 })
    return this.path(name)
  }

  /** The command line and the environment of one. */
  command(...args: readonly string[]): [program: string, args: string[], env: Record<string, string>] {
    return [this.odoo.python, [join(repo, "runtime/launch.py"), ...args], pythonEnv(this.odoo.pythonPath)]
  }

  launch(...args: readonly string[]): ChildProcess {
    const [program, line, env] = this.command(...args)
    const child = spawn(program, line, { cwd: "/", env, stdio: ["ignore", "ignore", "pipe"], detached: true })
    // Read to its end, whether somebody looks at it or not: a full pipe would hold it up.
    child.stderr?.resume()
    this.#started.push(child)
    return child
  }

  async answers(path: string, port = this.port): Promise<boolean> {
    return await fetch(`http://127.0.0.1:${port}${path}`).then(
      (response) => response.ok,
      () => false,
    )
  }

  sql(statement: string) {
    return this.parts.postgres.query(this.database, (client) => client.query(statement))
  }

  async makeJobDue(): Promise<void> {
    await this.sql("UPDATE ir_cron SET nextcall = now() - interval '1 hour', lastcall = NULL WHERE id = 1")
  }

  async jobIsDone(): Promise<boolean> {
    return (await this.sql("SELECT FROM ir_cron WHERE id = 1 AND lastcall IS NOT NULL")).rowCount === 1
  }
}

/** Ends what is left of its group. */
function isGone(group: number): boolean {
  try {
    process.kill(-group, "SIGKILL")
    return false
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return true
    throw error
  }
}
