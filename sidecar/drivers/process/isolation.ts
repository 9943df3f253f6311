/** What keeps tenants on this machine apart, and words for what does not. */
import { readFile, stat } from "node:fs/promises"
import { dirname } from "node:path"
import type { Missing } from "./holder.ts"
import { privilegedPort } from "./place.ts"

export interface Isolation {
  /** Each tenant runs as a user of its own. */
  readonly ownUser: boolean
  readonly limits: boolean
  readonly network: boolean
  /** Users who are not root cannot listen where tenants do. */
  readonly ports: boolean
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
      "Limits on memory, CPU and processes: no cgroup can be made here, so one tenant can take the whole machine. Start as root, outside of a container.",
    )
  }
  if (!isolation.network) {
    words.push(
      "Network: tenants can reach each other and the control plane through localhost, and elsewhere whatever they like, also where their plan says otherwise. Start as root with nftables installed.",
    )
  }
  if (isolation.ownUser && !isolation.ports) {
    words.push(
      `Addresses: every user of this machine may listen on port ${privilegedPort}, so a tenant could stand in for another one. Set net.ipv4.ip_unprivileged_port_start to 1024.`,
    )
  }
  return words
}

/** The same of what the holder has tried; only tenants with a user of their own can have a view of their own. */
export function missingOfHolder({ system_calls, view }: Missing, ownUser: boolean): string[] {
  const words: string[] = []
  if (system_calls !== null) {
    words.push(
      `System calls: tenants can listen on ports and reach into the kernel (seccomp: ${system_calls}). Start on x86-64 or ARM64, with a Linux that has CONFIG_SECCOMP_FILTER.`,
    )
  }
  if (ownUser && view !== null) {
    words.push(
      `Own view: tenants share /tmp and /dev/shm, unmeasured, and see the processes of all others (${view}). Start outside of a container, or in one that may mount.`,
    )
  }
  return words
}

export async function arePortsKept(): Promise<boolean> {
  return Number(await readFile("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8")) > privilegedPort
}

/** The first folder on the way that other users may not pass, or null. */
export async function firstClosedFolder(path: string): Promise<string | null> {
  const parent = dirname(path)
  const above = parent === path ? null : await firstClosedFolder(parent)
  if (above) return above
  return (await stat(path)).mode & 0o001 ? null : path
}
