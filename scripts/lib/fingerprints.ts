import { createHash } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { join, relative } from "node:path"

/** What a database does not depend on: Odoo reads scripts and styles from the folder each time they change. */
const ignored = new Set(["__pycache__", "tests", "static", "i18n"])

/** Changes with any file in these folders that a database is made from. 12 hexadecimal characters. */
export function fingerprintOf(folders: readonly string[], ...more: readonly string[]): string {
  const hash = createHash("sha256").update(JSON.stringify(more))
  for (const folder of folders) for (const file of filesIn(folder)) addFile(hash, folder, file)
  return hash.digest("hex").slice(0, 12)
}

function addFile(hash: ReturnType<typeof createHash>, folder: string, file: string): void {
  hash.update(relative(folder, file)).update("\0").update(readFileSync(file)).update("\0")
}

function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  return entries.flatMap((entry) => {
    if (ignored.has(entry.name)) return []
    const path = join(folder, entry.name)
    return entry.isDirectory() ? filesIn(path) : entry.isFile() ? [path] : []
  })
}
