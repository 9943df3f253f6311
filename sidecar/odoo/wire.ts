/**
 * How the words of the control protocol look on the wire: keys in snake_case, null as false, strings that XML can
 * carry. Every answer is checked against these schemas, so that nothing half-understood gets any further.
 */
import { z } from "zod"
import { databaseStrategies, desiredStates } from "../domain/tenant.ts"
import { operationKinds } from "./port.ts"

const integer = z.number().int()

/** Python has no null on this wire: false stands for it. */
function nullable<T extends z.ZodType>(schema: T) {
  return z.union([z.literal(false).transform(() => null), z.null(), schema])
}

const template = z.object({
  key: z.string().regex(/^[0-9a-f]{10}$/),
  release: z.object({ name: z.string(), odooVersion: z.string(), sources: z.array(z.string()) }),
  modules: z.array(z.string()),
  languages: z.array(z.string()),
})

const spec = z.object({
  id: z.string(),
  slug: z.string(),
  generation: integer,
  desired: z.enum(desiredStates),
  target: z.string(),
  server: z.string(),
  database: z.enum(databaseStrategies),
  template,
  limits: z.object({
    cpuMilli: integer,
    memoryMb: integer,
    storageMb: integer,
    users: integer,
    connections: integer,
    workers: integer,
  }),
  outgoing: z.object({ mail: z.boolean(), https: z.boolean() }),
  hosts: z.array(z.object({ name: z.string(), primary: z.boolean() })),
  bootstrap: z.object({
    company: z.string(),
    country: z.string(),
    lang: z.string(),
    timezone: z.string(),
    userName: z.string(),
    userLogin: z.string(),
  }),
  banner: nullable(z.object({ level: z.enum(["info", "warning", "danger"]), text: z.string() })),
  staffLogins: z.array(z.string()),
  upgradeUrl: z.string(),
})

const claimBase = z.object({ operation: integer, lease: z.string(), epoch: integer, attempt: integer })

const claim = z.discriminatedUnion("kind", [
  claimBase.extend({ kind: z.literal("build_template"), template, target: z.string(), server: z.string() }),
  claimBase.extend({ kind: z.literal("check_isolation"), target: z.string() }),
  claimBase.extend({ kind: z.enum(operationKinds).exclude(["build_template", "check_isolation"]), spec }),
])

export const answers = {
  hello: z.object({ protocol: integer, installation: z.string(), confirmed: z.boolean(), queued: integer.default(0) }),
  claims: z.array(claim),
  renewed: z.object({
    lost: z.array(integer),
    cancelled: z.array(integer),
    moved: z.array(z.object({ operation: integer, spec })),
  }),
  ok: z.object({ ok: z.boolean() }),
  tenants: z.array(z.object({ id: z.string(), desired: z.enum(desiredStates), epoch: integer, spec })),
}

/** Characters that XML 1.0 cannot carry at all, and the end of CDATA, which the client package stumbles over. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const unspeakable = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g

export function toWire(value: unknown): unknown {
  if (value === null || value === undefined) return false
  if (typeof value === "string") return value.replace(unspeakable, "").replaceAll("]]>", "]] >")
  return mapKeys(value, (key) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), toWire)
}

export function fromWire(value: unknown): unknown {
  return mapKeys(value, (key) => key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()), fromWire)
}

function mapKeys(value: unknown, rename: (key: string) => string, inner: (value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(inner)
  if (value === null || typeof value !== "object") return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [rename(key), inner(part)]))
}
