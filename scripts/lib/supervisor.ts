/**
 * Watches the servers of an installation: says when one ended by itself and starts it again, for as long as it takes.
 * Nothing that happens to a server ends the watching, and none waits for another.
 */
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { chargeOf } from "./charge.ts"
import type { Installation } from "./installation.ts"
import { currentUser } from "./os-user.ts"
import { repo } from "./paths.ts"
import { Daemon } from "./processes.ts"
import { failed, look, type Restarts, untried, waitSeconds } from "./restarts.ts"

export interface Watched {
  readonly name: string
  readonly runs: () => boolean
  readonly start: () => Promise<void>
  readonly lastWords: () => string
}

const lookMs = 500

export function serversOf({ postgres, master, sidecar }: Installation): Watched[] {
  return [
    {
      name: "PostgreSQL",
      runs: () => postgres.pid() !== null,
      start: () => postgres.start(),
      lastWords: () => `Its log may say why: ${postgres.log}`,
    },
    ...[master.server, sidecar].map((server) => ({
      name: server.options.name,
      runs: () => server.pid() !== null,
      start: () => server.start(),
      lastWords: () => server.lastWords(5),
    })),
  ]
}

/** Resolves when `signal` is aborted and no start is under way any more. */
export async function supervise(
  servers: readonly Watched[],
  say: (words: string) => void,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(servers.map((server) => superviseOne(server, say, signal)))
}

async function superviseOne(server: Watched, say: (words: string) => void, signal: AbortSignal): Promise<void> {
  let restarts = untried
  while (!signal.aborted) {
    try {
      restarts = await round(server, restarts, say)
    } catch (error) {
      say(`${server.name} cannot be looked at: ${reasonOf(error)}`)
    }
    await pause(lookMs, undefined, { signal }).catch(() => undefined)
  }
}

async function round(server: Watched, before: Restarts, say: (words: string) => void): Promise<Restarts> {
  const { restarts, verdict } = look(before, server.runs(), performance.now())
  if (verdict === "ended") {
    const seconds = waitSeconds(restarts, performance.now())
    say(`${server.name} ended by itself and is started again in ${seconds} s. ${server.lastWords()}`)
  }
  return verdict === "start" ? await startAgain(server, restarts, say) : restarts
}

async function startAgain(server: Watched, before: Restarts, say: (words: string) => void): Promise<Restarts> {
  try {
    await server.start()
    say(`${server.name} runs again.`)
    return { ...before, runsSince: performance.now(), due: null }
  } catch (error) {
    const restarts = failed(before, performance.now())
    say(`${reasonOf(error)}\nIt is tried again in ${waitSeconds(restarts, performance.now())} s.`)
    return restarts
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The process that watches when nobody keeps a terminal open for it. */
export function supervisorServer(stateDir: string): Daemon {
  const daemon: Daemon = new Daemon({
    name: "The supervisor",
    pidFile: join(stateDir, "run", "supervisor.json"),
    log: join(stateDir, "logs", "supervisor.log"),
    command: process.execPath,
    args: ["--import", "tsx", join(repo, "scripts/supervise.ts")],
    env: { ...(process.env as Record<string, string>), SAAS_STATE_DIR: stateDir },
    cwd: repo,
    user: currentUser(),
    ready: async () => (chargeOf(stateDir)?.pid === daemon.pid() ? true : null),
    readySeconds: 60,
  })
  return daemon
}
