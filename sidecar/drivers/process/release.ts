/**
 * The addon and the launcher that every tenant runs, copied to a folder named after their content: a tenant goes on
 * with what it was started with while the project's folder changes, and that folder may be closed to its user.
 */
import { createHash } from "node:crypto"
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises"
import { join } from "node:path"

/** Folder of the project and what of it goes into a release. */
const parts = [
  ["addons/saas_tenant", "addons/saas_tenant"],
  ["runtime/launch.py", "launch.py"],
  ["runtime/servers", "servers"],
  ["runtime/fork_server.py", "fork_server.py"],
  ["runtime/holder", "holder"],
  ["runtime/build_template.py", "build_template.py"],
] as const

const isSource = (path: string) => !/(^|\/)(__pycache__|tests)(\/|$)|\.pyc$/.test(path)

export interface StagedRelease {
  readonly folder: string
  /** Hash over all of it; names the templates that were made with it. */
  readonly made: string
}

export async function stageRelease(repository: string, releases: string, odooVersion: string): Promise<StagedRelease> {
  const hash = createHash("sha256").update(odooVersion)
  for (const [from, to] of parts) await hashTree(hash, join(repository, from), to)
  const made = hash.digest("hex").slice(0, 16)
  const folder = join(releases, made)
  if (!(await exists(folder))) await copyParts(repository, releases, folder)
  return { folder, made }
}

/** A folder that is there is complete: it gets its name last. */
async function copyParts(repository: string, releases: string, folder: string): Promise<void> {
  await mkdir(releases, { recursive: true, mode: 0o755 })
  const unfinished = await mkdtemp(join(releases, ".unfinished-"))
  await chmod(unfinished, 0o755)
  for (const [from, to] of parts) {
    await cp(join(repository, from), join(unfinished, to), { recursive: true, filter: isSource })
  }
  await makeAlike(unfinished)
  await rename(unfinished, folder).catch(async (error: NodeJS.ErrnoException) => {
    await rm(unfinished, { recursive: true })
    // Another sidecar was faster, with the same content.
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error
  })
}

/**
 * Odoo names an asset bundle after the times of its files. With one time for all, what a template was built with is
 * found again by tenants that run another copy of the same content.
 */
const fileTime = new Date("2000-01-01T00:00:00Z")

/** Whatever the umask of the checkout was, and whenever it was made. */
async function makeAlike(path: string): Promise<void> {
  const isFolder = (await stat(path)).isDirectory()
  await chmod(path, isFolder ? 0o755 : 0o644)
  if (isFolder) for (const name of await readdir(path)) await makeAlike(join(path, name))
  else await utimes(path, fileTime, fileTime)
}

async function hashTree(hash: ReturnType<typeof createHash>, path: string, name: string): Promise<void> {
  if (!isSource(name)) return
  if ((await stat(path)).isDirectory()) {
    for (const child of (await readdir(path)).sort()) await hashTree(hash, join(path, child), `${name}/${child}`)
    return
  }
  hash.update(`${name}\0`).update(await readFile(path))
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return false
      throw error
    },
  )
}
