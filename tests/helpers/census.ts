/** Counts what there is in the world, past the sidecar: nothing may be there twice, and nothing may be left over. */
import { strict as assert } from "node:assert"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { Installation } from "./installation.ts"
import type { Master } from "./master.ts"

export interface Census {
  readonly databases: readonly string[]
  readonly roles: readonly string[]
  /** One entry a process that serves a tenant. */
  readonly processes: readonly string[]
  /** One entry a tenant that has hosts. */
  readonly routes: readonly string[]
  readonly folders: readonly string[]
  /** Who has an address and a user of this machine. */
  readonly seats: readonly string[]
}

const isTenant = (name: string) => /^t[a-z2-7]{10}$/.test(name)

export async function takeCensus(it: Installation): Promise<Census> {
  return {
    ...(await inPostgres(it)),
    processes: tenantProcesses(it)
      .map(({ ref }) => ref)
      .sort(),
    routes: list(join(it.stateDir, "nginx", "hosts.d"))
      .map((name) => name.replace(/\.json$/, ""))
      .filter(isTenant)
      .sort(),
    folders: list(join(it.stateDir, "tenants")).filter(isTenant).sort(),
    seats: (await names(it, "SELECT id AS name FROM saas.tenant WHERE seat IS NOT NULL", "saas_operator")).sort(),
  }
}

/** What there is of tenants in the installation's own PostgreSQL, wherever they run. */
export async function inPostgres(it: Installation): Promise<Pick<Census, "databases" | "roles">> {
  return {
    databases: (await names(it, "SELECT datname AS name FROM pg_database WHERE datname LIKE 't%'"))
      .filter((name) => !name.startsWith("template") && !name.startsWith("tpl_"))
      .sort(),
    roles: (await names(it, "SELECT rolname AS name FROM pg_roles")).filter(isTenant).sort(),
  }
}

function names(it: Installation, sql: string, database = "postgres"): Promise<string[]> {
  return it.postgres.query(database, async (client) => {
    return (await client.query<{ name: string }>(sql)).rows.map(({ name }) => name)
  })
}

/** Processes that were started with the configuration of a tenant of this installation, children left out. */
export function tenantProcesses(it: Installation): { readonly ref: string; readonly pid: number }[] {
  const conf = new RegExp(`${it.stateDir}/tenants/(t[a-z2-7]{10})/odoo\\.conf`)
  return list("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const ref = conf.exec(readOrEmpty(`/proc/${pid}/cmdline`))?.[1]
      const parent = /^PPid:\s+(\d+)$/m.exec(readOrEmpty(`/proc/${pid}/status`))?.[1]
      const isChild = parent !== undefined && conf.test(readOrEmpty(`/proc/${parent}/cmdline`))
      return ref && !isChild ? [{ ref, pid: Number(pid) }] : []
    })
}

/** The process that serves this tenant. */
export function pidOf(it: Installation, ref: string): number {
  const pids = tenantProcesses(it).filter((process) => process.ref === ref)
  assert.equal(pids.length, 1, `${pids.length} processes serve ${ref}`)
  return pids[0]?.pid as number
}

/** Exactly one of everything for those that run, nothing of all others, and every operation was done. */
export async function assertOneOfEach(it: Installation, master: Master, running: readonly string[]): Promise<void> {
  await assertOnlyOneOfEach(it, running)
  await assertAllIsDone(master)
}

export async function assertAllIsDone(master: Master): Promise<void> {
  const open = await master.search("saas.operation", [["state", "not in", ["done", "cancelled"]]], ["kind", "state"])
  assert.deepEqual(open, [])
}

/** The same where operations were meant to fail. */
export async function assertOnlyOneOfEach(it: Installation, running: readonly string[]): Promise<void> {
  const wanted = [...running].sort()
  assert.deepEqual(await takeCensus(it), {
    databases: wanted,
    roles: wanted,
    processes: wanted,
    routes: wanted,
    folders: wanted,
    seats: wanted,
  })
}

function list(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : []
}

/** A process may end between being listed and being read. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === "ENOENT" || code === "ESRCH") return ""
    throw error
  }
}
