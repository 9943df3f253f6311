/** PostgreSQL's own programs: where they are, whom they sign in as, and a password that no list of processes shows. */
import { rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Credentials, Server } from "./operator.ts"

export interface ProgramsOptions {
  /** A folder of ours for secrets that programs read from files. */
  readonly run: string
  /** Folder of pg_dump and pg_restore, or "" where they are on PATH. */
  readonly bin: string
}

export type Login = Server & Credentials

export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

type CommandFor = (program: "pg_dump" | "pg_restore", login: Login, args: readonly string[]) => Command

/** Tells libpq from version 16 on to answer no other question than that of SCRAM, whatever a server asks for. */
export const provenServer = { PGREQUIREAUTH: "scram-sha-256" } as const

/**
 * For libpq, which takes from a file of services what no variable can say: a program whose network died without a word
 * would wait for ever.
 */
const service = "lively"
const liveness = `[${service}]
keepalives_idle=5
keepalives_interval=5
keepalives_count=3
tcp_user_timeout=60000
`

/** Their passwords are in a file of that name while `work` goes on: what a kill leaves there is overwritten by the next try. */
export async function withLogins<T>(
  { run, bin }: ProgramsOptions,
  name: string,
  logins: readonly Login[],
  work: (command: CommandFor) => Promise<T>,
): Promise<T> {
  const passfile = join(run, `pgpass-${name}`)
  const servicefile = join(run, `pgservice-${name}`)
  try {
    await writeFile(servicefile, liveness, { mode: 0o600 })
    await writeFile(passfile, logins.map(lineOf).join(""), { mode: 0o600 })
    return await work((program, { host, port, ssl, user }, args) => ({
      program: bin ? join(bin, program) : program,
      args: ["-h", host, "-p", String(port), "-U", user, "-w", ...args],
      env: {
        PGPASSFILE: passfile,
        PGSERVICEFILE: servicefile,
        PGSERVICE: service,
        ...provenServer,
        ...(ssl === false ? { PGSSLMODE: "disable" } : {}),
      },
    }))
  } finally {
    await rm(passfile, { force: true })
    await rm(servicefile, { force: true })
  }
}

function lineOf({ host, port, user, password }: Login): string {
  return `${[host, String(port), "*", user, password].map(escaped).join(":")}\n`
}

/** https://www.postgresql.org/docs/current/libpq-pgpass.html */
function escaped(field: string): string {
  return field.replace(/[\\:]/g, "\\$&")
}
