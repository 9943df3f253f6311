/**
 * Everything secret that the sidecar needs for a tenant is derived from one root key, so there is no store of
 * passwords to steal. The version in a purpose is what makes a derived secret rotatable.
 */
import { hkdfSync } from "node:crypto"
import type { TenantId } from "./tenant.ts"

/** 32 random bytes that live outside every database. */
export type RootKey = Uint8Array

export function derive(root: RootKey, purpose: string, bytes = 32): Buffer {
  return Buffer.from(hkdfSync("sha256", root, new Uint8Array(0), `odoo-saas/${purpose}`, bytes))
}

export function databasePassword(root: RootKey, tenant: TenantId, version = 1): string {
  return derive(root, `database-password/${version}/${tenant}`, 24).toString("base64url")
}
