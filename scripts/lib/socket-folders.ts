/**
 * Folders of Unix sockets, one for each server that speaks HTTP with others of the installation. Only the server's user
 * can put a socket there, and only the group that the folder belongs to gets to it.
 */
import { chmodSync, chownSync, mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { isRoot } from "./os-user.ts"

export function socketFolder(stateDir: string, server: "master" | "sidecar"): string {
  return join(stateDir, "sockets", server)
}

export function makeSocketFolder(folder: string, owner: number, group: number): void {
  mkdirSync(folder, { recursive: true, mode: 0o711 })
  if (!isRoot) {
    chmodSync(folder, 0o700)
    return
  }
  chownSync(folder, owner, group)
  // Sockets that are made there get the folder's group.
  chmodSync(folder, 0o2710)
}

/** The group of nginx's workers where root starts it (workerUser in sidecar/routing/nginx.ts). */
export function nginxGroup(): number {
  const users = readFileSync("/etc/passwd", "utf8")
  const groupOf = (name: string) => new RegExp(`^${name}:[^:]*:\\d+:(\\d+):`, "m").exec(users)?.[1]
  return Number(groupOf("www-data") ?? groupOf("nobody"))
}
