/** The sidecar as a server of one installation, and what it says of itself. */
import { join } from "node:path"
import { type VariableName, variableNames } from "../../sidecar/config.ts"
import { fingerprintOf } from "./fingerprints.ts"
import type { Odoo } from "./odoo.ts"
import { currentUser } from "./os-user.ts"
import { findProgram, repo } from "./paths.ts"
import { demandFree } from "./ports.ts"
import { Daemon } from "./processes.ts"
import type { Secrets } from "./secrets.ts"
import { bundleSidecar, sidecarBundle } from "./sidecar-bundle.ts"
import { socketFolder } from "./socket-folders.ts"

/** What the installation decides itself, beside what it sets below. */
const decidedHere: ReadonlySet<VariableName> = new Set([
  "MASTER_DB",
  "MASTER_LOGIN",
  "PG_HOST",
  "PG_OPERATOR",
  "PG_OPERATOR_DB",
  "SIDECAR_HOST",
  "SIDECAR_SOCKET",
  "ODOO_HOME",
  "ODOO_BIN",
  "ODOO_PYTHON",
])

/** Shells differ in these, and the sidecar does not depend on them. */
const ofTheShell = new Set(["PATH", "HOME"])

export interface SidecarOptions {
  readonly name: string
  readonly stateDir: string
  readonly env: Readonly<Record<string, string>>
}

export interface SidecarSurroundings {
  readonly stateDir: string
  readonly odoo: Odoo
  readonly secrets: Secrets
  readonly postgresBin: string
  readonly masterSocket: string
  /** Folder of PostgreSQL's socket. */
  readonly postgresSockets: string
  readonly ports: {
    readonly postgres: number
    readonly sidecar: number
    readonly http: number
  }
  readonly network: string
  readonly uidBase: number
}

export function sidecarEnvironment(around: SidecarSurroundings): Record<string, string> {
  const { stateDir, odoo, secrets, ports } = around
  const open = variableNames.filter((name) => !decidedHere.has(name))
  const given = open.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []))
  return {
    PATH: process.env.PATH ?? "/usr/bin:/bin",
    HOME: process.env.HOME ?? "/",
    ...(Object.fromEntries(given) as Record<string, string>),
    ...odoo.env,
    SAAS_STATE_DIR: stateDir,
    MASTER_URL: `unix:${around.masterSocket}`,
    MASTER_UPSTREAM: `unix:${around.masterSocket}`,
    MASTER_PASSWORD_FILE: secrets.path("sidecar-password"),
    PG_HOST: around.postgresSockets,
    PG_PORT: String(ports.postgres),
    PG_BIN: around.postgresBin,
    PG_OPERATOR_PASSWORD_FILE: secrets.path("pg-operator-password"),
    ROOT_KEY_FILE: secrets.path("root-key"),
    NUDGE_TOKEN_FILE: secrets.path("nudge-token"),
    SIDECAR_PORT: String(ports.sidecar),
    SIDECAR_SOCKET: sidecarSocket(stateDir, "sidecar"),
    NGINX_BIN: process.env.NGINX_BIN || (findProgram("nginx") ?? "nginx"),
    HTTP_PORT: String(ports.http),
    TENANT_NETWORK: around.network,
    TENANT_UID_BASE: String(around.uidBase),
  }
}

/** Where a sidecar of that name answers the master. */
export function sidecarSocket(stateDir: string, name: string): string {
  return join(socketFolder(stateDir, "sidecar"), `${name}.sock`)
}

export function sidecarServer({ name, stateDir, env }: SidecarOptions): Daemon {
  return new Daemon({
    name: "The sidecar",
    pidFile: join(stateDir, "run", `${name}.json`),
    log: join(stateDir, "logs", `${name}.log`),
    prepare: async () => {
      await demandFree(Number(env.SIDECAR_PORT), "SIDECAR_PORT", "the sidecar")
      await bundleSidecar()
    },
    command: process.execPath,
    // What lives for a moment is collected sooner: its memory stays below 100 MB, and it has time for that.
    args: ["--max-semi-space-size=1", sidecarBundle],
    env,
    cwd: repo,
    user: currentUser(),
    made: () => madeOf(env),
    ready: async () => ((await ask(Number(env.SIDECAR_PORT), "/healthz"))?.status === 200 ? true : null),
    readySeconds: 60,
  })
}

/** Changes with its code and its settings. */
function madeOf(env: Readonly<Record<string, string>>): string {
  const settings = Object.entries(env).filter(([name]) => !ofTheShell.has(name))
  const code = ["sidecar", "runtime", "addons/saas_tenant"].map((name) => join(repo, name))
  return fingerprintOf(code, JSON.stringify(settings.sort()))
}

/** null when it is ready, else its reasons, as it words them. */
export async function notReadyBecause(port: number): Promise<string | null> {
  const answer = await ask(port, "/readyz")
  if (answer === null) return "the sidecar does not answer"
  return answer.status === 200 ? null : answer.body
}

async function ask(port: number, path: string): Promise<{ status: number; body: string } | null> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(5000) })
    return { status: response.status, body: (await response.text()).trim() }
  } catch (error) {
    // Nobody listens yet, or it is too busy starting.
    if (error instanceof TypeError || (error as Error).name === "TimeoutError") return null
    throw error
  }
}
