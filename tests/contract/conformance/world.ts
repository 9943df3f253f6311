/** What the conformance suite needs of a target besides the target: ways to look at it and to hurt it from outside. */
import type pg from "pg"
import type { TemplateSpec, TenantId, TenantSpec } from "../../../sidecar/domain/tenant.ts"
import type { Databases, Fence, Target, Templates } from "../../../sidecar/drivers/driver.ts"
import type { Answer } from "../../helpers/tenant.ts"

/** All that a sidecar holds of a target. */
export interface Driver<E> {
  readonly target: Target<E>
  readonly databases: Databases
  readonly templates: Templates
}

export interface Visit {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

export interface World<E> {
  readonly driver: Driver<E>
  /** Ready in this world, with as few modules as may be. */
  readonly template: TemplateSpec
  /** A name below which every host leads to the router. */
  readonly domain: string
  /** Another sidecar of the same installation; closed with the world. */
  another(): Promise<Driver<E>>
  /** HTTP as a visitor sends it, through the router. */
  visit(host: string, path: string, options?: Visit): Promise<Answer>
  /** Which runtime serves the tenant: another text after every start. null: none. */
  incarnation(tenant: TenantId): Promise<string | null>
  /** Ends the runtime as a crash would. */
  crash(tenant: TenantId): Promise<void>
  /** SQL as the superuser of the database server. */
  asSuperuser(database: string, sql: string): Promise<pg.QueryResult>
  /** SQL with what the tenant's own Odoo has: its role and its password. */
  asTenant(tenant: TenantId, database: string, sql: string): Promise<pg.QueryResult>
  destroy(): Promise<void>
}

/** The master that the worlds stand for. */
export const installationId = "c0ffee00-0000-4000-8000-000000000000"

/** saas_tenant brings what every tenant has; more would only make every clone slower. */
export const template: TemplateSpec = {
  key: "c0f0c0f0c0",
  release: { name: "contract", odooVersion: "19.0", sources: [] },
  modules: ["contacts"],
  languages: ["de_DE"],
}

let made = 0

/** Ids that no other test of this process has. */
export function newId(): TenantId {
  const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
  const number = made++
  return `tcontract${alphabet[Math.floor(number / 32)]}${alphabet[number % 32]}`
}

export function specOf(
  world: Pick<World<unknown>, "template" | "domain">,
  id: TenantId,
  changes: Partial<TenantSpec> = {},
): TenantSpec {
  return {
    id,
    slug: id,
    generation: 1,
    desired: "running",
    target: "local",
    server: "local",
    database: "shared",
    template: world.template,
    limits: { cpuMilli: 2000, memoryMb: 1024, storageMb: 5120, users: 5, connections: 10, workers: 0 },
    outgoing: { mail: true, https: true },
    hosts: [{ name: `${id}.${world.domain}`, primary: true }],
    bootstrap: {
      company: "Acme",
      country: "BE",
      lang: "en_US",
      timezone: "Europe/Brussels",
      userName: "Wile",
      userLogin: "w@acme.example",
    },
    banner: null,
    staffLogins: [],
    upgradeUrl: "http://localhost/my/odoo",
    ...changes,
  }
}

export function fenceOf(tenant: TenantId, epoch = 1, signal = new AbortController().signal): Fence {
  return { tenant, epoch, server: "local", signal }
}
