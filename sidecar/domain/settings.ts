/** What a tenant is told about its limits and surroundings, and the fingerprint that says whether it already knows. */
import { fingerprint } from "./fingerprint.ts"
import type { Banner, TenantSpec } from "./tenant.ts"

export interface Surroundings {
  readonly urlScheme: "http" | "https"
  /** As people write it after the host name: "" or ":8080". */
  readonly urlPort: string
  /** Whether mail can leave: a relay is configured. */
  readonly mail: boolean
}

/** What becomes of a tenant's mail: it leaves, or it waits for a relay or for a plan that sends mail. */
export type Mail = "leaves" | "no_relay" | "not_in_plan"

export interface SettingsMessage {
  readonly fingerprint: string
  readonly limits: { readonly users: number; readonly storageMb: number }
  readonly banner: Banner | null
  readonly upgradeUrl: string
  readonly mail: Mail
  readonly baseUrl: string
}

export function settingsOf(spec: TenantSpec, surroundings: Surroundings): SettingsMessage {
  const settings = {
    limits: { users: spec.limits.users, storageMb: spec.limits.storageMb },
    banner: spec.banner,
    upgradeUrl: spec.upgradeUrl,
    mail: mailOf(spec, surroundings),
    baseUrl: baseUrl(spec, surroundings),
  }
  // Where it reaches itself comes with them, and is another place with workers (odoo-conf.ts).
  return { fingerprint: fingerprint({ ...settings, workers: spec.limits.workers }), ...settings }
}

function mailOf({ outgoing }: TenantSpec, { mail }: Surroundings): Mail {
  if (!outgoing.mail) return "not_in_plan"
  return mail ? "leaves" : "no_relay"
}

/** The address that links in mails carry; "" while a tenant has no host. */
export function baseUrl(spec: TenantSpec, surroundings: Surroundings): string {
  const host = spec.hosts.find((host) => host.primary) ?? spec.hosts[0]
  return host ? `${surroundings.urlScheme}://${host.name}${surroundings.urlPort}` : ""
}
