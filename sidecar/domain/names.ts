/** What may be called how. The master refuses bad names with a sentence; the sidecar never acts on one. */
import { domainToASCII } from "node:url"
import type { TenantId } from "./tenant.ts"

/** Opaque, and safe as it is in SQL, paths, unit names and URLs. */
export function isTenantId(text: string): text is TenantId {
  return /^t[a-z2-7]{10}$/.test(text)
}

/** An account of the master's, for ever; `first` is the person for whom the tenant was made. */
export function isSubject(text: string): boolean {
  return text === "first" || /^u[a-z2-7]{16}$/.test(text)
}

/** Subject of a claim that builds a template, beside the tenants' ids: the two can never be equal. */
export function templateSubject(key: string): string {
  return `tpl_${key}`
}

/** Subject of a claim that is about a whole target; no tenant and no template is called like that. */
export function targetSubject(name: string): string {
  return `target_${name}`
}

/** `made` is a hash over what the template is made of besides release and modules: our own addon and the launcher. */
export function templateDatabase(key: string, made: string): string {
  return `tpl_${key}_${made.slice(0, 8)}`
}

/** RFC 1123 with at most 253 characters; lower case, since routers compare them as they are. */
export function hasHostLetters(text: string): boolean {
  return text.length <= 253 && text.split(".").every((label) => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(label))
}

/**
 * A name that leads visitors somewhere: of two labels at least, punycode that stands for something, and no IP address.
 * Browsers take a name whose last label is a number for one. Held against the same cases as the master's
 * models/host_name.py: addons/saas_master/tests/names.json.
 */
export function isHostName(text: string): boolean {
  const labels = text.split(".")
  const isNumber = /^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? "")
  return hasHostLetters(text) && labels.length > 1 && !isNumber && domainToASCII(text) === text
}
