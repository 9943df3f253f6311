/**
 * Who is in charge of an installation: one command at a time starts and watches its servers, or stops them. Who takes
 * charge ends the one before, which would start again what it stops.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { withLock } from "./locks.ts"
import { type ProcessMark, readMark, startOf, stopProcess } from "./processes.ts"
import { isStateFolder } from "./state-folder.ts"
import { until } from "./until.ts"

export type Role = "watch" | "stop"

export interface Charge extends ProcessMark {
  readonly role: Role
}

/** Tells the one that watches that another has taken charge. */
const told = "SIGUSR2"
/** What it has begun to start it may still see to. */
const endSeconds = 30
/** Tenants are given time to finish, and PostgreSQL to write. */
const stopSeconds = 300

const fileOf = (stateDir: string) => join(stateDir, "run", "charge.json")

/** null where nobody is, or only who has ended. */
export function chargeOf(stateDir: string): Charge | null {
  const mark = readMark(fileOf(stateDir))
  return mark && { ...mark, role: JSON.parse(readFileSync(fileOf(stateDir), "utf8")).role as Role }
}

/** Resolves once nobody else is. A stop that is under way is waited for. */
export async function takeCharge(stateDir: string, role: Role): Promise<void> {
  if (!isStateFolder(stateDir)) return
  mkdirSync(join(stateDir, "run"), { recursive: true, mode: 0o700 })
  await withLock(`${fileOf(stateDir)}.lock`, async () => {
    const before = chargeOf(stateDir)
    const other = before?.pid === process.pid ? null : before
    if (other?.role === "stop") await stopEnded(stateDir, other)
    // First the word, then the signal: whoever hears it looks who it was.
    note(stateDir, role)
    if (other?.role === "watch") await stopProcess(other, endSeconds, told)
  })
}

async function stopEnded(stateDir: string, { pid }: Charge): Promise<void> {
  await until(() => (chargeOf(stateDir)?.pid === pid ? null : true), {
    seconds: stopSeconds,
    every: 200,
    otherwise: () => `Process ${pid} has been stopping this installation for ${stopSeconds} s.`,
  })
}

function note(stateDir: string, role: Role): void {
  const file = fileOf(stateDir)
  const charge = { pid: process.pid, started: startOf(process.pid), role }
  writeFileSync(`${file}.new`, JSON.stringify(charge), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

export function handBackCharge(stateDir: string): void {
  if (chargeOf(stateDir)?.pid === process.pid) rmSync(fileOf(stateDir), { force: true })
}

/** Calls `end` with what another command takes charge for. From now on that no longer ends this process by itself. */
export function onChargeTaken(stateDir: string, end: (role: Role) => void): void {
  process.on(told, () => end((existsSync(stateDir) ? chargeOf(stateDir)?.role : null) ?? "stop"))
}
