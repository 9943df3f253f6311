/** The settings of `npm start`: from the environment, else from `.env`, else these. */
import { isUtf8 } from "node:buffer"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { readSetting } from "../../sidecar/config.ts"
import { ToDo } from "./packages.ts"
import type { InstallationSettings } from "./parts.ts"
import { repo, stateFolder } from "./paths.ts"

const ports = {
  HTTP_PORT: { default: 8080, what: "nginx, the way into master and tenants" },
  SIDECAR_PORT: { default: 8071, what: "the sidecar" },
  PG_PORT: { default: 5470, what: "PostgreSQL" },
} as const

export type PortName = keyof typeof ports

export const portNames = Object.keys(ports) as PortName[]

export function loadEnvFile(): void {
  const file = join(repo, ".env")
  if (!existsSync(file)) return
  // What is not UTF-8 Node itself would replace.
  if (!isUtf8(readFileSync(file))) throw new Error(`${file} is not written in UTF-8: convert it.`)
  process.loadEnvFile(file)
}

export function portOf(name: PortName): number {
  const given = process.env[name]
  if (given === undefined || given === "") return ports[name].default
  const port = Number(given)
  if (/^\d+$/.test(given) && port >= 1 && port <= 65_535) return port
  throw new Error(`${name} is "${given}": give a port from 1 to 65535 for ${ports[name].what}.`)
}

export function startSettings(): InstallationSettings {
  for (const name of portNames) {
    const other = portNames.find((one) => one !== name && portOf(one) === portOf(name))
    if (other) throw new Error(`${name} and ${other} are both ${portOf(name)}: give each a port of its own.`)
  }
  return {
    stateDir: stateFolder(),
    ports: {
      http: portOf("HTTP_PORT"),
      sidecar: portOf("SIDECAR_PORT"),
      postgres: portOf("PG_PORT"),
    },
    network: readSetting("TENANT_NETWORK", process.env),
    uidBase: readSetting("TENANT_UID_BASE", process.env),
    durable: true,
    demo: true,
  }
}

/** Throws where what runs was started with other settings than these: half of it would be at one place, half elsewhere. */
export function demandSame(running: InstallationSettings, asked: InstallationSettings): void {
  const [before, now] = [running, asked].map(({ ports, network, uidBase }) => ({
    HTTP_PORT: ports.http,
    SIDECAR_PORT: ports.sidecar,
    PG_PORT: ports.postgres,
    TENANT_NETWORK: network,
    TENANT_UID_BASE: uidBase,
  }))
  const changed = Object.entries(now ?? {}).filter(([name, value]) => Object(before)[name] !== value)
  if (changed.length === 0) return
  const words = changed.map(([name, value]) => `${name}=${Object(before)[name]}, not with ${value}`)
  throw new ToDo(`It runs with ${words.join("; ")}. npm stop first, or start it with the settings that it runs with.`)
}
