/** Secrets are files, one each, readable by their owner only. They are made once and never shown. */
import { randomBytes } from "node:crypto"
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { secret } from "../../sidecar/config-values.ts"

export const secretNames = [
  "root-key",
  "nudge-token",
  "sidecar-password",
  "admin-password",
  "pg-operator-password",
  "pg-master-password",
  "odoo-master-password",
] as const
export type SecretName = (typeof secretNames)[number]

/** People type this one, so it is short and has no characters that look alike. */
function typedPassword(): string {
  const letters = "abcdefghjkmnpqrstuvwxyz23456789"
  return Array.from(randomBytes(16), (byte) => letters[byte % letters.length]).join("")
}

export class Secrets {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  path(name: SecretName): string {
    return join(this.folder, name)
  }

  /** Makes those that are missing. */
  ensure(): void {
    mkdirSync(this.folder, { recursive: true, mode: 0o711 })
    for (const name of secretNames) {
      if (existsSync(this.path(name))) continue
      const value = name === "admin-password" ? typedPassword() : randomBytes(32).toString("hex")
      writeFileSync(this.path(name), `${value}\n`, { mode: 0o600, flag: "wx" })
    }
  }

  /** As the sidecar reads it, which has to find the same. */
  read(name: SecretName): string {
    try {
      return secret(this.path(name))
    } catch (error) {
      throw new Error(`This installation ${error instanceof Error ? error.message : error}`, { cause: error })
    }
  }
}
