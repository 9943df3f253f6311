import type { TenantSpec } from "../../../sidecar/domain/tenant.ts"

export function aSpec(changes: Partial<TenantSpec> = {}): TenantSpec {
  return {
    id: "tabcdefghij",
    slug: "acme",
    generation: 1,
    desired: "running",
    target: "local",
    server: "local",
    database: "shared",
    template: {
      key: "0123456789",
      release: { name: "19", odooVersion: "19.0", sources: [] },
      modules: ["crm"],
      languages: ["de_DE"],
    },
    limits: { cpuMilli: 1000, memoryMb: 1024, storageMb: 5120, users: 5, connections: 10, workers: 0 },
    outgoing: { mail: true, https: true },
    hosts: [{ name: "acme.localhost", primary: true }],
    bootstrap: {
      company: "Acme",
      country: "BE",
      lang: "en_US",
      timezone: "Europe/Brussels",
      userName: "Ann",
      userLogin: "ann@acme.example",
    },
    banner: null,
    staffLogins: [],
    upgradeUrl: "",
    ...changes,
  }
}
