/**
 * What a reconcile meets beside the target, on paper: databases that are always as they should be, Odoos that have
 * applied what they were told, and a master that nods. The driver, the plan and the steps are the product's own.
 */
import { generateKeyPairSync } from "node:crypto"
import { type Surroundings, settingsOf } from "../../sidecar/domain/settings.ts"
import type { TenantId, TenantSpec } from "../../sidecar/domain/tenant.ts"
import type { Databases, Templates } from "../../sidecar/drivers/driver.ts"
import type { MasterPort } from "../../sidecar/odoo/port.ts"
import type { Telemetry } from "../../sidecar/reconcile/telemetry.ts"
import { TenantControl } from "../../sidecar/reconcile/tenant-control.ts"

export const surroundings: Surroundings = { urlScheme: "http", urlPort: "", mail: false }

/** Fencing stays real: every write of the driver asks it. */
export function paperDatabases(real: Pick<Databases, "raise" | "settle">): Databases {
  return {
    raise: (fence) => real.raise(fence),
    settle: (fence) => real.settle(fence),
    observe: async () => ({ stage: "open", rights: "right" }),
    clone: notOnPaper,
    prepare: notOnPaper,
    open: notOnPaper,
    repairRights: notOnPaper,
    giveConnections: notOnPaper,
    drop: notOnPaper,
    usage: async () => null,
    find: async () => [],
    ping: async () => undefined,
    problems: async () => [],
    close: async () => undefined,
  }
}

export const paperTemplates: Templates = { observe: async () => "ready", build: notOnPaper }

/** `wanted`: what each of them has been told. */
export function paperControl(wanted: (tenant: TenantId) => TenantSpec): TenantControl {
  const { privateKey } = generateKeyPairSync("ed25519")
  const answer = (tenant: TenantId) => {
    const settings = settingsOf(wanted(tenant), surroundings).fingerprint
    return { status: 200, body: JSON.stringify({ ok: true, bootstrapped: true, settings }) }
  }
  return new TenantControl({ request: async (tenant) => answer(tenant) }, privateKey)
}

export const paperMaster: MasterPort = {
  hello: notOnPaper,
  claim: async () => [],
  renew: async () => ({ lost: [], cancelled: [], moved: [] }),
  report: async () => true,
  finish: async () => true,
  observed: async () => true,
  request: async () => true,
  tenants: async () => [],
  ingestUsage: async () => undefined,
}

export const noTelemetry: Telemetry = {
  stepEnded: () => undefined,
  phaseSeen: () => undefined,
  tenantsKnown: () => undefined,
  operationEnded: () => undefined,
}

async function notOnPaper(): Promise<never> {
  throw new Error("Nothing here has a database to work on: this step should not have been chosen.")
}
