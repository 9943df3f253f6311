/**
 * The worst that a tenant's administrator can be: code of their own choice in the operating system, as the user that
 * their Odoo runs as and with everything that it can read, the database password first.
 */
import { execFile } from "node:child_process"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"

const exec = promisify(execFile)

export class Intruder {
  readonly ref: string
  readonly uid: number
  private readonly conf: string
  private readonly stateDir: string

  constructor(stateDir: string, ref: string) {
    this.ref = ref
    this.stateDir = stateDir
    const path = join(stateDir, "tenants", ref, "odoo.conf")
    this.conf = readFileSync(path, "utf8")
    // The file is the operator's; only the tenant's own group may read it, and that is numbered as its user.
    this.uid = statSync(path).gid
  }

  option(name: string): string {
    const value = new RegExp(`^${name}[ \\t]*=[ \\t]*(.*)$`, "m").exec(this.conf)?.[1]
    if (value === undefined) throw new Error(`odoo.conf of ${this.ref} has no ${name}`)
    return value.trim()
  }

  /** Runs Python as the tenant's operating system user; answers what it printed. */
  async python(code: string): Promise<string> {
    const drop = ["--reuid", String(this.uid), "--regid", String(this.uid), "--clear-groups", "--no-new-privs"]
    const { stdout } = await exec("setpriv", [...drop, "/usr/bin/python3", "-c", code], {
      cwd: "/",
      env: { PATH: "/usr/bin:/bin", LC_ALL: "C.UTF-8" },
      timeout: 30_000,
    })
    return stdout.trim()
  }

  /** The same as a process that its Odoo has started: with what that sees, and what is taken from it. */
  async confined(code: string): Promise<string> {
    const { pid } = JSON.parse(readFileSync(join(this.stateDir, "tenants", this.ref, "runtime.json"), "utf8"))
    const enter = `for group in ${cgroupsOf(pid).join(" ")}; do echo $$ > $group/cgroup.procs; done; exec "$@"`
    const view = ["nsenter", "--target", String(pid), "--mount", "--ipc", "--wd=/"]
    const program = [
      "/usr/bin/python3",
      "-S",
      "-m",
      "holder.confined",
      String(this.uid),
      "/usr/bin/python3",
      "-c",
      code,
    ]
    const releases = join(this.stateDir, "release")
    const release = readdirSync(releases).find((name) => !name.startsWith("."))
    const { stdout } = await exec("sh", ["-c", enter, "sh", ...view, ...program], {
      cwd: "/",
      env: { PATH: "/usr/bin:/bin", LC_ALL: "C.UTF-8", PYTHONPATH: join(releases, release ?? "") },
      timeout: 60_000,
    })
    return stdout.trim()
  }

  /** `open`, or why not. */
  connect(host: string, port: number): Promise<string> {
    return this.python(
      [
        "import socket",
        `try: socket.create_connection((${JSON.stringify(host)}, ${port}), 3); print("open")`,
        "except OSError as error: print(type(error).__name__)",
      ].join("\n"),
    )
  }

  /** The same at a Unix socket. */
  enter(path: string): Promise<string> {
    return this.python(
      [
        "import socket",
        `try: socket.socket(socket.AF_UNIX).connect(${JSON.stringify(path)}); print("open")`,
        "except OSError as error: print(type(error).__name__)",
      ].join("\n"),
    )
  }

  /** Runs SQL with the tenant's own credentials in any database; the first cell, or `refused: …`. */
  sql(database: string, statement: string, role = this.ref): Promise<string> {
    const [host, port, password] = [this.option("db_host"), this.option("db_port"), this.option("db_password")]
    return this.python(
      [
        "import psycopg2",
        "try:",
        `  db = psycopg2.connect(host=${JSON.stringify(host)}, port=${port}, user=${JSON.stringify(role)}, password=${JSON.stringify(password)}, dbname=${JSON.stringify(database)})`,
        "  db.autocommit = True",
        "  cr = db.cursor()",
        `  cr.execute(${JSON.stringify(statement)})`,
        "  row = cr.fetchone() if cr.description else None",
        "  print(row[0] if row else 'done')",
        "except psycopg2.Error as error: print('refused:', str(error).strip().replace(chr(10), ' '))",
      ].join("\n"),
    )
  }
}

/** Folders of the groups that a process is in, of both versions of cgroups. */
function cgroupsOf(pid: number): string[] {
  const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n")
  return lines
    .map((line) => line.split(":"))
    .map(([, controller = "", ...path]) => join("/sys/fs/cgroup", controller, path.join(":")))
    .filter((folder) => folder.includes("odoo_saas_"))
}
