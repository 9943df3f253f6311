/** What the master's database was last brought up to, kept beside it; an unchanged one starts at once. */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"

export interface Applied {
  /** Fingerprint of saas_master. */
  readonly code: string
  readonly settings: string
  /** False in a copy of a snapshot that has not been given an identity of its own yet. */
  readonly own: boolean
}

export function readApplied(masterFolder: string): Applied {
  const file = join(masterFolder, "applied.json")
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : { code: "", settings: "", own: false }
}

export function writeApplied(masterFolder: string, applied: Applied): void {
  writeFileSync(join(masterFolder, "applied.json"), JSON.stringify(applied))
}
