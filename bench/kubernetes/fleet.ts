/** Specs of tenants by number, the same in every process that is told of them. Pure. */
import type { TenantSpec } from "../../sidecar/domain/tenant.ts"

/** How a spec differs from what its tenant was made by. */
export type Change = "none" | "another host" | "a larger plan"

const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
const prefix = "tbench"

/** A `t` and ten base32 characters, as the master makes them; no two numbers below a million have the same. */
export function idOf(number: number): string {
  let rest = number
  let text = ""
  for (let place = 0; place < 11 - prefix.length; place++) {
    text = alphabet[rest % alphabet.length] + text
    rest = Math.floor(rest / alphabet.length)
  }
  if (rest > 0) throw new RangeError(`${number} is too large for an id`)
  return prefix + text
}

export function specOf(number: number, change: Change = "none"): TenantSpec {
  const id = idOf(number)
  const own = { name: `${id}.example.test`, primary: true }
  const domain = { name: `www.${id}.example.org`, primary: false }
  return {
    id,
    slug: id,
    generation: change === "none" ? 1 : 2,
    desired: "running",
    target: "local",
    server: "local",
    database: "shared",
    template: {
      key: "be9c4be9c4",
      release: { name: "bench", odooVersion: "19.0", sources: [] },
      modules: ["contacts"],
      languages: [],
    },
    limits: {
      cpuMilli: 1000,
      memoryMb: change === "a larger plan" ? 2048 : 1024,
      storageMb: 5120,
      users: 5,
      connections: 10,
      workers: 0,
    },
    outgoing: { mail: true, https: true },
    hosts: change === "another host" ? [own, domain] : [own],
    bootstrap: { company: "Acme", country: "", lang: "en_US", timezone: "", userName: "A", userLogin: "a@acme.test" },
    banner: null,
    staffLogins: [],
    upgradeUrl: "http://localhost/my/odoo",
  }
}
