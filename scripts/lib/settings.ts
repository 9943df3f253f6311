/** The settings of `npm start`: from the environment, else from `.env`, else these. */
import { existsSync } from "node:fs"
import { join } from "node:path"
import type { InstallationSettings } from "./parts.ts"
import { repo, stateFolder } from "./paths.ts"

const ports = {
  HTTP_PORT: { default: 8080, what: "nginx, the way into master and tenants" },
  MASTER_PORT: { default: 8069, what: "the master Odoo" },
  SIDECAR_PORT: { default: 8071, what: "the sidecar" },
  PG_PORT: { default: 5470, what: "PostgreSQL" },
} as const

export type PortName = keyof typeof ports

export const portNames = Object.keys(ports) as PortName[]

export function loadEnvFile(): void {
  const file = join(repo, ".env")
  if (existsSync(file)) process.loadEnvFile(file)
}

export function portOf(name: PortName): number {
  const given = process.env[name]
  if (given === undefined || given === "") return ports[name].default
  const port = Number(given)
  if (/^\d+$/.test(given) && port >= 1 && port <= 65_535) return port
  throw new Error(`${name} is "${given}": give a port from 1 to 65535 for ${ports[name].what}.`)
}

export function startSettings(): InstallationSettings {
  return {
    stateDir: stateFolder(),
    ports: {
      http: portOf("HTTP_PORT"),
      master: portOf("MASTER_PORT"),
      sidecar: portOf("SIDECAR_PORT"),
      postgres: portOf("PG_PORT"),
    },
    network: process.env.TENANT_NETWORK ?? "127.66.0.0",
    uidBase: Number(process.env.TENANT_UID_BASE ?? 200_000),
    durable: true,
    demo: true,
  }
}
