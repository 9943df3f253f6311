/** ruff and pylint-odoo, at pinned versions, in a Python environment of their own in the cache. */
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"
import { run } from "./commands.ts"
import { fingerprintOf } from "./fingerprints.ts"
import { withLock } from "./locks.ts"
import { cacheFolder, repo } from "./paths.ts"

/** Folder of their programs. */
export async function ensureLintTools(): Promise<string> {
  const requirements = join(repo, "scripts/lint-requirements.txt")
  const folder = join(cacheFolder(), `lint-${fingerprintOf([], readFileSync(requirements, "utf8"))}`)
  await withLock(`${folder}.lock`, async () => {
    if (existsSync(join(folder, "complete"))) return
    rmSync(folder, { recursive: true, force: true })
    await run("/usr/bin/python3", ["-m", "venv", folder])
    await run(join(folder, "bin/pip"), ["install", "-q", "--disable-pip-version-check", "-r", requirements])
    // Last, so that an environment that was cut short is made anew.
    renameSync(mkdtempSync(join(folder, ".done-")), join(folder, "complete"))
  })
  return join(folder, "bin")
}
