/** The nginx of this installation: started when it is not there, checked before it reloads, and nobody else's touched. */
import { existsSync, readFileSync } from "node:fs"
import { chmod, chown, mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises"
import { request } from "node:http"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { execa } from "execa"
import { RetryableError } from "../domain/errors.ts"
import { programFiles } from "./absence.ts"
import { locked } from "./file-lock.ts"
import { nginxConfig } from "./nginx-config.ts"
import { orphanedWorkers } from "./orphans.ts"
import type { PageName } from "./page-words.ts"
import { inEachLanguage } from "./pages.ts"

export interface NginxOptions {
  /** Everything of it is in here. */
  readonly folder: string
  readonly bin: string
  readonly httpPort: number
  readonly masterHost: string
  readonly masterUpstream: string
  /** Addresses and networks of proxies in front of it that are believed what they say of a visitor. */
  readonly trustedProxies: readonly string[]
  readonly secureCookies: boolean
}

/** Those that are the same for all tenants. */
const commonPages: readonly PageName[] = ["unknown", "starting", "away", "interrupted", "too-large", "too-many"]
/** Moments, on a machine that is not busy. */
const serveSeconds = 60
const pollMs = 20

export class Nginx {
  readonly #options: NginxOptions
  #ready: Promise<void> | null = null
  #starting: Promise<void> | null = null
  #reloading: Promise<void> | null = null
  #next: Promise<void> | null = null

  constructor(options: NginxOptions) {
    this.#options = options
  }

  /** Starts it with the present configuration, or takes over the one that runs. */
  async ensure(): Promise<void> {
    this.#ready ??= this.#ensure().catch((error) => {
      this.#ready = null
      throw error
    })
    await this.#ready
    if (this.isRunning()) return
    this.#starting ??= this.#alone(() => this.#run()).finally(() => {
      this.#starting = null
    })
    await this.#starting
  }

  /** Reloads that are asked for while one is under way become one more. */
  async reload(): Promise<void> {
    if (this.#reloading === null) {
      this.#reloading = this.#alone(() => this.#reload()).finally(() => {
        this.#reloading = null
      })
      return await this.#reloading
    }
    this.#next ??= this.#reloading
      .catch(() => undefined)
      .then(() => {
        this.#next = null
        return this.reload()
      })
    await this.#next
  }

  /** Throws with nginx's own words where it would not take the configuration as it is on disk now. */
  async test(): Promise<void> {
    const answer = await this.#nginx(["-t", "-q"])
    if (answer.exitCode !== 0) throw new RetryableError(`nginx refuses its configuration: ${reasonIn(answer.stderr)}`)
  }

  /** Which upstream a host leads to in the map that is served now; "" for none. */
  async upstreamOf(host: string): Promise<string> {
    return await new Promise((resolve, reject) => {
      const socketPath = join(this.#options.folder, "router.sock")
      const asked = request({ socketPath, path: "/", headers: { host }, timeout: 2_000, agent: false }, (answer) => {
        let text = ""
        answer.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk
        })
        answer.on("end", () => resolve(text.trim()))
        answer.on("error", reject)
      })
      asked.on("timeout", () => asked.destroy(new Error("nginx does not answer")))
      asked.on("error", reject)
      asked.end()
    })
  }

  /** Resolves once new connections are served with what is wanted. */
  async serves(host: string, upstream: string): Promise<void> {
    const deadline = Date.now() + serveSeconds * 1000
    for (;;) {
      const served = await this.upstreamOf(host).catch(() => null)
      if (served === upstream) return
      if (Date.now() > deadline) {
        const log = join(this.#options.folder, "logs/error.log")
        throw new RetryableError(
          `nginx has not taken up the address ${host} within ${serveSeconds} s. ${log} says why.`,
        )
      }
      await pause(pollMs)
    }
  }

  isRunning(): boolean {
    const { folder } = this.#options
    const file = join(folder, "nginx.pid")
    if (!existsSync(file)) return false
    const pid = Number(readFileSync(file, "utf8"))
    const cmdline = `/proc/${pid}/cmdline`
    // The pid may be somebody else's by now; ours names our configuration in its title.
    return pid > 0 && existsSync(cmdline) && readFileSync(cmdline, "utf8").includes(join(folder, "nginx.conf"))
  }

  async #ensure(): Promise<void> {
    const { folder } = this.#options
    for (const name of ["logs", "hosts.d"]) await mkdir(join(folder, name), { recursive: true, mode: 0o700 })
    await mkdir(join(folder, "pages"), { recursive: true, mode: 0o710 })
    for (const name of ["", "tmp"]) {
      await mkdir(join(folder, name), { recursive: true })
      await chmod(join(folder, name), 0o711)
    }
    // Whoever can read a lock can hold it.
    for (const name of ["nginx.lock", "map.lock", "hosts.map"]) await ensureClosed(join(folder, name))
    if (await this.#alone(() => this.#writeFiles())) await this.reload()
  }

  /** Answers whether an nginx runs that has not read them. */
  async #writeFiles(): Promise<boolean> {
    const { folder } = this.#options
    for (const name of commonPages) await writeFile(join(folder, "pages", `${name}.html`), inEachLanguage(name))
    for (const [name, text] of Object.entries(programFiles())) await writeFile(join(folder, "pages", name), text)
    const worker = process.getuid?.() === 0 ? await workerUser() : null
    // A page says that a tenant is suspended.
    await chmod(join(folder, "pages"), 0o710)
    if (worker) await chown(join(folder, "pages"), 0, worker.group)
    const text = nginxConfig({ ...this.#options, user: worker?.name ?? null, ipv6: existsSync("/proc/net/if_inet6") })
    const path = join(folder, "nginx.conf")
    const before = await readFile(path, "utf8").catch(() => "")
    await ensureClosed(path)
    if (before === text) return false
    await replace(path, text)
    return this.isRunning()
  }

  async #run(): Promise<void> {
    // Another sidecar may have been quicker; its socket must stay where it is.
    if (this.isRunning()) return
    const orphans = orphanedWorkers(this.#options.folder)
    // They finish what they have begun, and take no more.
    for (const pid of orphans) process.kill(pid, "SIGQUIT")
    await this.#retired(orphans)
    // A master that was killed leaves its socket, and the next one would take it for a running one's.
    await rm(join(this.#options.folder, "router.sock"), { force: true })
    const answer = await this.#nginx([])
    if (answer.exitCode !== 0) throw new RetryableError(`nginx does not start: ${reasonIn(answer.stderr)}`)
    await this.#pidWritten()
    // nginx lets everybody use the sockets that it makes.
    await chmod(join(this.#options.folder, "router.sock"), 0o600)
  }

  async #reload(): Promise<void> {
    await this.test()
    const before = this.#workers()
    const answer = await this.#nginx(["-s", "reload"])
    if (answer.exitCode !== 0) throw new RetryableError(`nginx does not reload: ${reasonIn(answer.stderr)}`)
    await this.#retired(before)
  }

  /** For a moment old and new workers take connections side by side, and the old ones lead them by the old map. */
  async #retired(workers: readonly number[]): Promise<void> {
    const deadline = Date.now() + serveSeconds * 1000
    while (workers.some(takesConnections)) {
      if (Date.now() > deadline) throw new RetryableError("nginx does not take up its configuration.")
      await pause(pollMs)
    }
  }

  /** nginx goes into the background first and writes its pid then: until it has, it looks as if it did not run. */
  async #pidWritten(): Promise<void> {
    const deadline = Date.now() + serveSeconds * 1000
    while (!this.isRunning()) {
      if (Date.now() > deadline) {
        const log = join(this.#options.folder, "logs/error.log")
        throw new RetryableError(`nginx ended as soon as it was started. ${log} says why.`)
      }
      await pause(pollMs)
    }
  }

  /** Sidecars on one machine share one nginx: one at a time starts it or makes it read its configuration anew. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    return await locked(join(this.#options.folder, "nginx.lock"), work)
  }

  #workers(): number[] {
    const master = readFileSync(join(this.#options.folder, "nginx.pid"), "utf8").trim()
    return readOrEmpty(`/proc/${master}/task/${master}/children`).split(" ").filter(Boolean).map(Number)
  }

  async #nginx(args: readonly string[]) {
    const { bin, folder } = this.#options
    const place = ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", join(folder, "logs/error.log")]
    // A daemon keeps what it inherits open: it gets nothing of ours.
    return await execa(bin, [...place, ...args], { reject: false, stdin: "ignore", stdout: "ignore", cwd: "/" })
  }
}

/** Hosts tell who else is a customer here: only the pages are for more than their owner. */
export async function replace(path: string, text: string, mode = 0o600): Promise<void> {
  const draft = `${path}.${process.pid}.new`
  await writeFile(draft, text, { mode })
  await rename(draft, path)
}

/** A file that is there and nobody else's to read. */
async function ensureClosed(path: string): Promise<void> {
  await (await open(path, "a", 0o600)).close()
  await chmod(path, 0o600)
}

/** Debian's user for web servers, or the one that every machine has. */
async function workerUser(): Promise<{ readonly name: string; readonly group: number }> {
  const users = await readFile("/etc/passwd", "utf8")
  const [, name = "nobody", group = ""] =
    /^(www-data):[^:]*:\d+:(\d+):/m.exec(users) ?? /^(nobody):[^:]*:\d+:(\d+):/m.exec(users) ?? []
  return { name, group: Number(group) }
}

/** A worker that is to end changes its title, and then closes the sockets that it listens on. */
function takesConnections(worker: number): boolean {
  return /worker process(?! is shutting down)/.test(readOrEmpty(`/proc/${worker}/cmdline`))
}

/** A process may end at any moment. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "ENOENT" || code === "ESRCH") return ""
    throw error
  }
}

/** nginx ends with what everybody knows already; the reason stands before it. */
function reasonIn(text: string | undefined): string {
  const lines = (text ?? "").trim().split("\n")
  return lines.find((line) => line.includes("[emerg]")) ?? lines.at(-1) ?? ""
}
