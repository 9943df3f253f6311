/** What keeps tenants on this machine apart, and words for what does not. */
import { stat } from "node:fs/promises"
import { dirname } from "node:path"

export interface Isolation {
  /** Each tenant runs as a user of its own. */
  readonly ownUser: boolean
  readonly limits: boolean
  readonly network: boolean
}

/** Sentences for the target's page: what is missing, and what gives it. */
export function missing(isolation: Isolation, closedFolder: string | null): string[] {
  const words: string[] = []
  if (!isolation.ownUser) {
    words.push(
      closedFolder
        ? `Own user: tenants could not enter ${closedFolder}. Allow it (chmod o+x ${closedFolder}) or set SAAS_STATE_DIR to another folder, and start again.`
        : "Own user: tenants on this machine are not isolated from each other, since all run as one user. Start as root to change that.",
    )
  }
  if (!isolation.limits) {
    words.push(
      "Memory and CPU limits: no cgroup can be made here, so one tenant can take the whole machine. Start as root, outside of a container.",
    )
  }
  if (!isolation.network) {
    words.push(
      "Network: tenants can reach each other and the control plane through localhost. Start as root with nftables installed.",
    )
  }
  return words
}

/** The first folder on the way that other users may not pass, or null. */
export async function firstClosedFolder(path: string): Promise<string | null> {
  const parent = dirname(path)
  const above = parent === path ? null : await firstClosedFolder(parent)
  if (above) return above
  return (await stat(path)).mode & 0o001 ? null : path
}
