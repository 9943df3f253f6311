/**
 * What the sidecar tells a tenant is signed for that tenant, usable once and for a minute. A tenant holds the public
 * key only: one that leaks everything it has can forge nothing, neither for itself nor for another.
 *
 * token = base64url(JSON payload) "." base64url(Ed25519 signature over the ASCII of the first part), no padding.
 */
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign } from "node:crypto"
import { derive, type RootKey } from "./keys.ts"
import type { SettingsMessage } from "./settings.ts"
import type { Bootstrap, TenantId } from "./tenant.ts"

export const tokenLifetimeSeconds = 60

/** What a tenant can be told, and with what. The keys of `data` on the wire are written by `wireData`. */
export type Message =
  | { readonly act: "bootstrap"; readonly data: Bootstrap }
  | { readonly act: "settings"; readonly data: SettingsMessage }
  | { readonly act: "state" }
  | { readonly act: "usage" }
  | { readonly act: "sign_on"; readonly data: SignOn }
  | {
      readonly act: "deactivate_users"
      readonly data: { readonly keep: number; readonly staffLogins: readonly string[] }
    }

export interface SignOn {
  /** Who it is, for ever; see `isSubject`. The tenant keeps it with the user whom it opened first. */
  readonly subject: string
  readonly login: string
  readonly name: string
  /** The operator's own people sign on as a user of their own, outside the user limit. */
  readonly staff: boolean
  readonly reason: string
}

// RFC 8410: an Ed25519 private key in PKCS #8 is this prefix and the 32 bytes of the seed.
const pkcs8Prefix = Buffer.from("302e020100300506032b657004220420", "hex")

export function signingKey(root: RootKey): KeyObject {
  const seed = derive(root, "tenant-messages/1")
  return createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: "der", type: "pkcs8" })
}

/** The raw 32 bytes in base64, as a tenant's configuration holds them. */
export function publicKey(root: RootKey): string {
  const spki = createPublicKey(signingKey(root)).export({ format: "der", type: "spki" })
  return spki.subarray(-32).toString("base64")
}

/** `now` in milliseconds since 1970. */
export function signMessage(key: KeyObject, tenant: TenantId, message: Message, now: number): string {
  const issued = Math.floor(now / 1000)
  const payload = {
    aud: tenant,
    jti: randomBytes(16).toString("hex"),
    iat: issued,
    exp: issued + tokenLifetimeSeconds,
    act: message.act,
    data: wireData(message),
  }
  const first = Buffer.from(JSON.stringify(payload), "utf8").toString("base64url")
  return `${first}.${sign(null, Buffer.from(first, "ascii"), key).toString("base64url")}`
}

function wireData(message: Message): Record<string, unknown> {
  switch (message.act) {
    case "bootstrap": {
      const { company, country, lang, timezone, userName, userLogin } = message.data
      return { company, country, lang, timezone, user_name: userName, user_login: userLogin }
    }
    case "settings": {
      const { fingerprint, limits, banner, upgradeUrl, mail, baseUrl } = message.data
      return {
        fingerprint,
        limits: { users: limits.users, storage_mb: limits.storageMb },
        banner,
        upgrade_url: upgradeUrl,
        mail,
        base_url: baseUrl,
      }
    }
    case "deactivate_users":
      return { keep: message.data.keep, staff_logins: message.data.staffLogins }
    case "sign_on": {
      const { subject, login, name, staff, reason } = message.data
      return { subject, login, name, staff, reason }
    }
    case "state":
    case "usage":
      return {}
  }
}
