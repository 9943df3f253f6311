/** Where things are: the repository, the state of the installation, the cache of what can be made again. */
import { createHash } from "node:crypto"
import { accessSync, constants, existsSync, mkdirSync, statSync } from "node:fs"
import { homedir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { isRoot } from "./os-user.ts"

export const repo = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** As root, servers run as users of their own: below a home that is closed to them they could not reach anything. */
export function stateFolder(): string {
  const given = process.env.SAAS_STATE_DIR
  if (given) return resolve(repo, given)
  if (!isRoot || closedParent(repo) === null) return join(repo, ".saas")
  return join("/var/lib/odoo-saas", createHash("sha256").update(repo).digest("hex").slice(0, 8))
}

/** As root the cache is where other users can read it: tenants run Odoo out of it, as users of their own. */
export function cacheFolder(): string {
  const given = process.env.XDG_CACHE_HOME
  const base = given ?? (isRoot ? "/var/cache" : join(homedir(), ".cache"))
  const folder = join(base, "odoo-saas")
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  return folder
}

/** The first folder on the way to `path` that users other than its owner cannot pass, or null. */
export function closedParent(path: string): string | null {
  const parts: string[] = []
  for (let at = resolve(path); ; at = dirname(at)) {
    parts.unshift(at)
    if (at === dirname(at)) break
  }
  return parts.find((part) => existsSync(part) && (statSync(part).mode & 0o001) === 0) ?? null
}

/** The first program of that name on PATH or where Debian keeps an administrator's, or null. A path is taken as it is. */
export function findProgram(name: string): string | null {
  const folders = name.includes("/")
    ? [repo]
    : [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/sbin", "/usr/local/sbin"]
  for (const folder of folders) {
    const path = resolve(folder, name)
    try {
      accessSync(path, constants.X_OK)
      if (statSync(path).isFile()) return path
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? ""
      if (!["ENOENT", "EACCES", "ENOTDIR"].includes(code)) throw error
    }
  }
  return null
}
