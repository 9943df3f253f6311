/** Who may do what in PostgreSQL, and from where: for the private cluster and for one in a container alike. */
import { scramVerifier } from "../../sidecar/databases/scram.ts"
import type { SecretName, Secrets } from "./secrets.ts"

export interface Role {
  readonly name: string
  readonly rights: string
  /** null: the sidecar sets it. */
  readonly password: SecretName | null
}

export const roles: readonly Role[] = [
  // Owns the tenants' databases and makes their roles; what it makes, it may hand on.
  {
    name: "saas_operator",
    rights: "LOGIN CREATEDB CREATEROLE INHERIT NOSUPERUSER",
    password: "pg-operator-password",
  },
  {
    name: "saas_master",
    rights: "LOGIN NOCREATEDB NOCREATEROLE NOINHERIT NOSUPERUSER",
    password: "pg-master-password",
  },
  // Owns what is inside the templates while they are built.
  { name: "saas_template", rights: "LOGIN NOCREATEDB NOCREATEROLE NOINHERIT NOSUPERUSER", password: null },
]

/** From PostgreSQL 16 on, CREATEROLE alone gives no power over roles that somebody else has made. */
export const memberships = ["GRANT saas_template TO saas_operator WITH ADMIN OPTION"] as const

export const databases = [
  { name: "saas_operator", owner: "saas_operator" },
  { name: "master", owner: "saas_master" },
] as const

/** Nobody connects to a database only because it is there. */
export const closingStatements = ["postgres", "template1", ...databases.map(({ name }) => name)].map(
  (name) => `REVOKE ALL ON DATABASE ${name} FROM PUBLIC`,
)

/** What Odoo does itself where it may create databases. */
export const masterStatements = [
  "ALTER SCHEMA public OWNER TO saas_master",
  "CREATE EXTENSION IF NOT EXISTS pg_trgm",
] as const

/**
 * Lines of pg_hba.conf. `superuser` is how the superuser proves itself at the Unix socket, `clients` a network that others
 * may come from as well.
 */
export function accessRules(superuser: string, clients: string | null): string[] {
  return [
    "# The first line that fits decides. A tenant's role is named as its database, so `sameuser` shuts all others.",
    `local all postgres ${superuser}`,
    ...passwords("local"),
    ...(clients === null ? [] : [`host all postgres ${clients} reject`, ...passwords("host", clients)]),
  ]
}

function passwords(...way: readonly string[]): string[] {
  const [kind, ...from] = way
  const may = ["all saas_operator", "master saas_master", "all saas_template", "sameuser all"]
  return may.map((role) => [kind, role, ...from, "scram-sha-256"].join(" "))
}

/** For psql, in an empty cluster. Holds verifiers, never passwords. */
export function roleScript(secrets: Secrets): string {
  const lines = [
    ...roles.map(({ name, rights, password }) => {
      const verifier = password === null ? "" : ` PASSWORD '${scramVerifier(secrets.read(password))}'`
      return `CREATE ROLE ${name} ${rights}${verifier};`
    }),
    ...memberships.map((statement) => `${statement};`),
    ...databases.map(({ name, owner }) => `CREATE DATABASE ${name} OWNER ${owner} TEMPLATE template0;`),
    ...closingStatements.map((statement) => `${statement};`),
    "\\connect master",
    ...masterStatements.map((statement) => `${statement};`),
  ]
  return `${lines.join("\n")}\n`
}
