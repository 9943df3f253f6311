/**
 * A whole installation for one test file: folder, PostgreSQL, ports, network and uids of its own, made with the very
 * code that `npm start` uses and gone when the test is over. What is expensive comes out of a cache.
 *
 *     const it = await makeInstallation("crash", { parts: "all" })
 *     …
 *     await it.destroy()
 */
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ensureOwl } from "../../scripts/build-owl.ts"
import { Installation as RealInstallation } from "../../scripts/lib/installation.ts"
import { ensureOdoo, type Odoo } from "../../scripts/lib/odoo.ts"
import type { InstallationSettings, Ports } from "../../scripts/lib/parts.ts"
import { cacheFolder } from "../../scripts/lib/paths.ts"
import { pickFree } from "../../scripts/lib/ports.ts"
import type { Cluster } from "../../scripts/lib/postgres.ts"
import { silent } from "../../scripts/lib/progress.ts"
import { readySnapshot } from "../../scripts/lib/ready-snapshot.ts"
import type { Secrets } from "../../scripts/lib/secrets.ts"
import { sidecarSocket } from "../../scripts/lib/sidecar.ts"
import { copyTree } from "../../scripts/lib/snapshots.ts"
import { tryLock } from "../../sidecar/routing/file-lock.ts"
import { forwardTo } from "../cluster/forward.ts"
import type { MasterAccess } from "./master.ts"

export interface InstallationOptions {
  /**
   * `database`: PostgreSQL with roles and databases, nothing installed in `master`.
   * `master`: and a master Odoo with saas_master and its plan "Starter", running; no demonstration data.
   * `all`: and the template of that plan, a sidecar and nginx, ready.
   */
  readonly parts: "database" | "master" | "all"
  /** PostgreSQL listens at its port of 127.0.0.1, too: for pods. */
  readonly databaseTcp?: boolean
  /** Write through to the disk, as `npm start` does. False unless said: quicker. */
  readonly durable?: boolean
  /** Added to the environment of the sidecar. */
  readonly sidecarEnv?: Readonly<Record<string, string>>
  /** Answers a folder that the state folder begins as a copy of, such as a snapshot of a cluster. */
  readonly startFrom?: (places: Omit<InstallationSettings, "stateDir">, odoo: Odoo) => Promise<string>
}

/** A server of this installation: it can be ended like a person or a machine would, and started again. */
export interface Server {
  readonly log: string
  pid(): number | null
  /** Resolves once it serves. */
  start(): Promise<void>
  /** SIGTERM, and SIGKILL when it takes more than `seconds` (default 20). */
  stop(seconds?: number): Promise<void>
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
}

export interface Installation {
  readonly stateDir: string
  /** `master` leads to the master's socket, for tests that know none. */
  readonly ports: Required<Ports>
  /** A /16 of the loopback network, such as 127.83.0.0. */
  readonly network: string
  /** Tenants' uids are above it. */
  readonly uidBase: number
  readonly odoo: Odoo
  readonly secrets: Secrets
  /** `stop("immediate")` is a crash of PostgreSQL. */
  readonly postgres: Cluster
  readonly masterServer: Server
  /** Where the master answers HTTP. */
  readonly masterSocket: string
  readonly sidecar: Server
  /** How to sign on as the administrator. */
  readonly master: MasterAccess
  /** Base of a tenant's address: `http://acme.localhost:<http port>`. */
  tenantUrl(slug: string): string
  /** The complete environment of a sidecar of this installation. */
  sidecarEnv(extra?: Readonly<Record<string, string>>): Record<string, string>
  /** Another sidecar on the same installation, with a port and a log of its own; not started yet. */
  anotherSidecar(name: string, extra?: Readonly<Record<string, string>>): Promise<Server>
  /** Stops everything, tenants too, and removes the folder; with KEEP_LOGS=<folder> its logs are kept there. */
  destroy(): Promise<void>
}

export async function makeInstallation(name: string, options: InstallationOptions): Promise<Installation> {
  const odoo = await ensureOdoo(silent)
  // Whoever opens the master in a browser needs them, and a test may be all that was ever run here.
  if (options.parts !== "database") await ensureOwl()
  const place = await reservePlace()
  const { ports, network, uidBase } = place
  const stateDir = mkdtempSync(join(tmpdir(), `saas-${name}-`))
  chmodSync(stateDir, 0o711)
  const { durable = false, databaseTcp = false } = options
  const settings = { stateDir, ports, network, uidBase, durable, databaseTcp, demo: false }
  const real = await RealInstallation.open(settings, odoo)
  const forward = await forwardTo(real.master.socket, "127.0.0.1")
  const destroy = async () => {
    try {
      if (options.durable) await stopWritingThrough(real.postgres)
      await real.stop(silent)
      await forward.close()
      keepLogs(name, stateDir)
      real.remove()
    } finally {
      await place.release()
    }
  }
  const sidecar = real.anotherSidecar("sidecar", options.sidecarEnv ?? {})
  try {
    if (options.startFrom) await copyTree(await options.startFrom(settings, odoo), stateDir)
    if (options.parts === "database") await real.prepareEmpty(silent)
    else await startWith(real, options.parts, odoo)
    if (options.parts === "all") {
      await sidecar.start()
      await real.sidecarReady(silent)
    }
  } catch (error) {
    await destroy()
    throw error
  }
  return {
    stateDir,
    ports: { ...ports, master: forward.port },
    network,
    uidBase,
    odoo,
    secrets: real.secrets,
    postgres: real.postgres,
    masterServer: real.master.server,
    masterSocket: real.master.socket,
    sidecar,
    master: {
      url: `http://127.0.0.1:${forward.port}`,
      db: "master",
      login: "admin",
      password: real.secrets.read("admin-password"),
    },
    tenantUrl: (slug) => `http://${slug}.localhost:${ports.http}`,
    sidecarEnv: (extra = {}) => real.sidecarEnv({ ...options.sidecarEnv, ...extra }),
    anotherSidecar: async (other, extra = {}) => {
      const port = String(await pickFree(...portRange))
      const own = { SIDECAR_PORT: port, SIDECAR_SOCKET: sidecarSocket(stateDir, `sidecar-${other}`) }
      return real.anotherSidecar(`sidecar-${other}`, { ...options.sidecarEnv, ...own, ...extra })
    },
    destroy,
  }
}

/** What is about to be removed need not reach the disk first, which can take PostgreSQL more than a minute. */
async function stopWritingThrough(postgres: Cluster): Promise<void> {
  if (postgres.pid() === null) return
  await postgres.query("postgres", async (client) => {
    await client.query("ALTER SYSTEM SET fsync = off")
    await client.query("SELECT pg_reload_conf()")
  })
}

async function startWith(real: RealInstallation, parts: "master" | "all", odoo: Odoo): Promise<void> {
  if (parts === "all") {
    const place = await reservePlace()
    try {
      const settings = { ...place, durable: false, demo: false }
      await copyTree(await readySnapshot(odoo, settings, silent), real.settings.stateDir)
    } finally {
      await place.release()
    }
  }
  await real.prepare(silent)
  await real.startMaster(silent)
}

interface Place {
  readonly ports: Ports
  readonly network: string
  readonly uidBase: number
  release(): Promise<void>
}

/** Below the range that the kernel gives to outgoing connections. */
const portRange = [21_000, 31_000] as const

/** Test files run side by side: each has a /16 of its own, and with it its uids. */
async function reservePlace(): Promise<Place> {
  const folder = join(cacheFolder(), "networks")
  mkdirSync(folder, { recursive: true })
  for (let second = 249; second >= 100; second--) {
    const lock = await tryLock(join(folder, `${second}.lock`))
    if (lock === null) continue
    const http = await pickFree(...portRange)
    const sidecar = await next(http)
    return {
      ports: { http, sidecar, postgres: await next(sidecar) },
      network: `127.${second}.0.0`,
      uidBase: 200_000 + (second - 66) * 0x10000,
      release: () => lock.release(),
    }
  }
  throw new Error(`All test networks are taken: ${folder} has a lock for each, held by the tests that run.`)
}

function next(port: number): Promise<number> {
  return pickFree(port + 1, port + 50)
}

function keepLogs(name: string, stateDir: string): void {
  const folder = process.env.KEEP_LOGS
  if (!folder) return
  for (const part of ["logs", "master/odoo.log", "postgres/postgresql.log", "nginx", "tenants"]) {
    const from = join(stateDir, part)
    const wanted = (path: string) => !/\/data(\/|$)|\.sock$/.test(path)
    if (existsSync(from)) cpSync(from, join(folder, name, part), { recursive: true, filter: wanted })
  }
}
