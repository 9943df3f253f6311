/**
 * Every setting of the sidecar in one table: its name, what it is for, its default and how it is read. All mistakes
 * are told at once. `.env.example` is made from this table (a test holds them equal).
 */
import {
  address,
  certificates,
  databaseHost,
  forOdoo,
  hostName,
  integer,
  key,
  loopback,
  name,
  namespacePrefix,
  namespaces,
  networks,
  oneOf,
  optional,
  path,
  port,
  secret,
  server,
  stateFolder,
  text,
  token,
  upstream,
  word,
} from "./config-values.ts"
import { serversFile } from "./servers-file.ts"
import { sharedServersOf, unplaced } from "./shared-server-settings.ts"

interface Variable<T> {
  readonly doc: string
  /** As it would be written in the environment; null: it must be given. */
  readonly default: string | null
  /** Throws an error whose message ends the sentence "NAME …". */
  readonly parse: (text: string) => T
}

const variables = {
  SAAS_STATE_DIR: {
    doc: "Folder for everything that the sidecar keeps: tenants, nginx, backups. Relative to the project's folder.",
    default: ".saas",
    parse: stateFolder,
  },
  SAAS_TARGET: {
    doc: "Name of the target (the place where tenants run) that this sidecar serves.",
    default: "local",
    parse: name,
  },
  TARGET_KIND: {
    doc: "What the target is: process (this machine) or kubernetes (the cluster of KUBECONFIG, or the one that the sidecar runs in).",
    default: "process",
    parse: oneOf("process", "kubernetes"),
  },
  SAAS_SERVER: { doc: "Name of the database server that is at PG_HOST.", default: "local", parse: name },

  MASTER_URL: {
    doc: "Where the master Odoo answers, without a path; unix:/… where it listens at a Unix socket.",
    default: "http://127.0.0.1:8069",
    parse: server,
  },
  MASTER_DB: { doc: "Database of the master.", default: "master", parse: text },
  MASTER_LOGIN: { doc: "Technical user of the group Sidecar.", default: "saas_sidecar", parse: text },
  MASTER_PASSWORD_FILE: { doc: "File with that user's password.", default: null, parse: secret },

  PG_HOST: {
    doc: "PostgreSQL server of the tenants; a folder where it is to be found by its Unix socket there.",
    default: "127.0.0.1",
    parse: databaseHost,
  },
  PG_PORT: { doc: "", default: "5470", parse: port },
  PG_BIN: { doc: "Folder of pg_dump and pg_restore; empty: found on PATH.", default: "", parse: optional(path) },
  PG_OPERATOR: {
    doc: "Role that owns the tenants' databases (CREATEDB, CREATEROLE).",
    default: "saas_operator",
    parse: name,
  },
  PG_OPERATOR_PASSWORD_FILE: { doc: "File with that role's password.", default: null, parse: secret },
  PG_OPERATOR_DB: { doc: "The operator's own database: epochs and seats.", default: "saas_operator", parse: name },
  PG_MAX_TENANTS: {
    doc: "More are refused on that server; empty: as many as its max_connections is enough for.",
    default: "",
    parse: optional(integer(1, 100_000)),
  },
  PG_DISK_MB: {
    doc: "Size of that server's disk, so that it is known how full it is; empty: looked up where it is on this machine.",
    default: "",
    parse: optional(integer(1, 2_000_000_000)),
  },
  PG_SERVERS_FILE: {
    doc: 'Further database servers, as JSON: [{"name": "two", "address": "10.0.0.6:5432", "passwordFile": "/run/secrets/two"}], and where wanted operator, operatorDatabase, maxTenants, diskMb, tenantAddress, networks, namespaces.',
    default: "",
    parse: optional(serversFile),
  },

  ROOT_KEY_FILE: {
    doc: "File with 32 random bytes in hexadecimal (openssl rand -hex 32). All other secrets of tenants come from it: keep a copy in a safe place.",
    default: null,
    parse: key,
  },

  NUDGE_TOKEN_FILE: {
    doc: "File with the token that the master shows at /nudge and /sign-on.",
    default: null,
    parse: token,
  },
  SIDECAR_HOST: { doc: "Address that the sidecar's own HTTP listens on.", default: "127.0.0.1", parse: word },
  SIDECAR_PORT: { doc: "", default: "8071", parse: port },
  SIDECAR_SOCKET: {
    doc: "A Unix socket that it listens at as well, for a master on this machine: nobody else is shown the token there.",
    default: "",
    parse: optional(stateFolder),
  },

  ODOO_PYTHON: {
    doc: "Interpreter that tenants run on; it must have Odoo's libraries.",
    default: "/usr/bin/python3",
    parse: text,
  },
  ODOO_HOME: { doc: "Root of an unpacked Odoo package. Give this or ODOO_BIN.", default: "", parse: optional(path) },
  ODOO_BIN: { doc: "Start script of an Odoo 19 that is already there.", default: "", parse: optional(path) },

  NGINX_BIN: { doc: "nginx in front of all tenants.", default: "nginx", parse: text },
  HTTP_PORT: { doc: "Port that nginx listens on.", default: "8080", parse: port },
  MASTER_HOST: { doc: "Host name under which nginx shows the master.", default: "localhost", parse: hostName },
  MASTER_UPSTREAM: {
    doc: "Where nginx finds the master; unix:/… for a Unix socket.",
    default: "127.0.0.1:8069",
    parse: upstream,
  },
  TENANT_URL_SCHEME: {
    doc: "How people reach tenants: http or https.",
    default: "http",
    parse: oneOf("http", "https"),
  },
  TENANT_URL_PORT: {
    doc: "Port in tenants' addresses where it is not HTTP_PORT, such as 443 behind another proxy.",
    default: "",
    parse: optional(port),
  },

  TRUSTED_PROXIES: {
    doc: "Addresses or networks, such as 10.0.0.5 or 10.0.0.0/24, of proxies in front of nginx that end TLS. What they say of a visitor (X-Forwarded-For, X-Forwarded-Proto) is believed, what others say is not.",
    default: "",
    parse: networks,
  },

  TENANT_IMAGE: {
    doc: "Kubernetes: Odoo with runtime/ and saas_tenant in /opt/odoo-saas, pinned by its digest: templates are built anew for another one.",
    default: "",
    parse: optional(word),
  },
  KUBE_NAMESPACE_PREFIX: {
    doc: "Kubernetes: every namespace of ours begins with it.",
    default: "saas-",
    parse: namespacePrefix,
  },
  KUBE_STORAGE_CLASS: {
    doc: "Kubernetes: of the tenants' volumes; empty: the cluster's default.",
    default: "",
    parse: optional(word),
  },
  KUBE_INGRESS_CLASS: { doc: "Kubernetes: of the tenants' Ingress.", default: "traefik", parse: word },
  KUBE_INGRESS_ADDRESS: {
    doc: "Kubernetes: where the ingress controller answers, as 10.0.0.7:80; empty: what it writes into an Ingress.",
    default: "",
    parse: optional(address),
  },
  KUBE_CERT_ISSUER: {
    doc: "Kubernetes: ClusterIssuer of cert-manager for the customers' own domains; empty: the ingress controller shows its own certificate for them, too.",
    default: "",
    parse: optional(word),
  },
  BASE_DOMAIN: {
    doc: "Kubernetes: hosts right under it need no certificate of cert-manager's: the ingress controller's own is for all of them.",
    default: "",
    parse: optional(hostName),
  },
  KUBE_CALLERS: {
    doc: "Kubernetes: namespaces whose pods may ask tenants: the ingress controller's, and the sidecar's where it runs inside.",
    default: "traefik",
    parse: namespaces,
  },
  KUBE_CALLER_NETWORKS: {
    doc: "Kubernetes: networks that may ask tenants: the nodes', and the sidecar's where it runs outside.",
    default: "",
    parse: networks,
  },
  KUBE_PAGES_ADDRESS: {
    doc: "Kubernetes: where the ingress controller reaches the sidecar's pages of suspended tenants, as 10.0.0.5:8072.",
    default: "",
    parse: optional(address),
  },
  KUBE_PAGES_PORT: { doc: "Kubernetes: port that the sidecar listens on for them.", default: "8072", parse: port },
  KUBE_PG_ADDRESS: {
    doc: "Kubernetes: PostgreSQL as the tenants' pods reach it; empty: PG_HOST and PG_PORT.",
    default: "",
    parse: optional(address),
  },
  KUBE_PG_NETWORKS: {
    doc: "Kubernetes: networks that it is in, for the network policies; empty: its own address.",
    default: "",
    parse: networks,
  },
  KUBE_PG_NAMESPACES: {
    doc: "Kubernetes: namespaces that it is in, where it runs as pods of the cluster.",
    default: "",
    parse: namespaces,
  },
  KUBE_PG_IMAGE: {
    doc: "Kubernetes: PostgreSQL of tenants whose plan gives them a database server of their own, such as postgres:17; empty: such plans are refused.",
    default: "",
    parse: optional(word),
  },
  KUBE_TENANT_ROLE: {
    doc: "Kubernetes: ClusterRole that the sidecar binds to itself in each namespace that it makes; empty: its account has these rights in the whole cluster.",
    default: "",
    parse: optional(word),
  },

  TENANT_UID_BASE: {
    doc: "Each tenant runs as this uid plus its seat, where the sidecar is root.",
    default: "200000",
    parse: integer(1000, 2_000_000_000),
  },
  TENANT_NETWORK: { doc: "Loopback network (/16) of the tenants' addresses.", default: "127.66.0.0", parse: loopback },

  SMTP_HOST: {
    doc: "Relay for the tenants' outgoing mail; empty: mail waits, and the page of the target says so.",
    default: "",
    parse: optional(forOdoo(word)),
  },
  SMTP_PORT: { doc: "", default: "25", parse: port },
  SMTP_ENCRYPTION: {
    doc: "none, starttls, or ssl (TLS from the first byte, mostly port 465). The relay's certificate is checked.",
    default: "none",
    parse: oneOf("none", "starttls", "ssl"),
  },
  SMTP_CA_FILE: {
    doc: "File with the certificates (PEM) that vouch for the relay's; empty: the machine's own.",
    default: "",
    parse: optional(certificates),
  },
  SMTP_USER: { doc: "", default: "", parse: optional(forOdoo(text)) },
  SMTP_PASSWORD_FILE: {
    doc: "Administrators of tenants whose plan sends mail can read it: a relay that trusts the address of this machine is better.",
    default: "",
    parse: optional(forOdoo(secret)),
  },
  SMTP_FROM_FILTER: {
    doc: "Domain or address that tenants may send from.",
    default: "",
    parse: optional(forOdoo(text)),
  },

  TENANT_LOG_MB: {
    doc: "The log of a tenant that has grown so large is cut back to its end.",
    default: "16",
    parse: integer(1, 10_000),
  },
  LOG_MB: {
    doc: "So are all other logs below SAAS_STATE_DIR: those of nginx, the sidecar, the master and PostgreSQL.",
    default: "64",
    parse: integer(1, 10_000),
  },

  MAX_CLONES: {
    doc: "Databases cloned at once on a database server, by all sidecars together.",
    default: "2",
    parse: integer(1, 64),
  },
  MAX_OPERATIONS: { doc: "Operations worked on at once.", default: "8", parse: integer(1, 256) },
  LEASE_SECONDS: {
    doc: "An operation whose worker is silent for so long is given to another.",
    default: "30",
    parse: integer(3, 3600),
  },
  POLL_SECONDS: { doc: "How often to ask for work without a nudge.", default: "2", parse: integer(1, 300) },
  PATROL_SECONDS: {
    doc: "Every tenant is looked at at least once in this time, without being asked.",
    default: "3600",
    parse: integer(10, 86_400),
  },
  LOG_LEVEL: {
    doc: "fatal, error, warn, info, debug or trace.",
    default: "info",
    parse: oneOf("fatal", "error", "warn", "info", "debug", "trace"),
  },
} satisfies Record<string, Variable<unknown>>

export type VariableName = keyof typeof variables
export const variableNames = Object.keys(variables) as readonly VariableName[]
export type Config = { readonly [Name in VariableName]: ReturnType<(typeof variables)[Name]["parse"]> }

export class ConfigError extends Error {
  override readonly name = "ConfigError"
}

/** Throws one `ConfigError` that names everything that is wrong and what to do about it. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = []
  const values = Object.entries<Variable<unknown>>(variables).map(([name, variable]) => {
    const given = environment[name] || variable.default
    try {
      if (given === null) throw new Error(`is not set. ${variable.doc}`)
      return [name, variable.parse(given)]
    } catch (error) {
      problems.push(`${name} ${error instanceof Error ? error.message : error}`)
      return [name, undefined]
    }
  })
  const config = Object.fromEntries(values) as Config
  if (config.TARGET_KIND === "kubernetes") {
    if (!config.TENANT_IMAGE) problems.push("TENANT_IMAGE is not set: name the image that the tenants run on")
    if (config.KUBE_CERT_ISSUER && (config.TENANT_URL_SCHEME !== "https" || !config.BASE_DOMAIN)) {
      problems.push(
        "KUBE_CERT_ISSUER is for tenants that are reached by https: set TENANT_URL_SCHEME=https, and BASE_DOMAIN to the " +
          "domain whose hosts have the ingress controller's own certificate",
      )
    }
    if (!config.KUBE_PAGES_ADDRESS) {
      problems.push("KUBE_PAGES_ADDRESS is not set: say where the ingress controller reaches this sidecar")
    }
  } else if (!config.ODOO_HOME === !config.ODOO_BIN) {
    problems.push("ODOO_HOME or ODOO_BIN: give one of them, so that it is clear which Odoo the tenants run on")
  }
  if (
    config.TARGET_KIND === "process" &&
    config.TENANT_URL_SCHEME === "https" &&
    config.TRUSTED_PROXIES?.length === 0
  ) {
    problems.push(
      "TENANT_URL_SCHEME is https, and nginx itself speaks http: name the proxy that ends TLS in TRUSTED_PROXIES",
    )
  }
  if (config.PG_SERVERS_FILE?.some((server) => server.name === config.SAAS_SERVER)) {
    problems.push(`PG_SERVERS_FILE names ${config.SAAS_SERVER}, which is the server at PG_HOST: give it another name`)
  }
  if (problems.length === 0 && config.TARGET_KIND === "kubernetes") problems.push(...unplaced(sharedServersOf(config)))
  if (problems.length === 0) return config
  throw new ConfigError(`The settings need mending:\n${problems.map((problem) => `- ${problem}`).join("\n")}`)
}

/** One of them alone; throws a `ConfigError` where it is wrong. */
export function readSetting<Name extends VariableName>(
  name: Name,
  environment: Readonly<Record<string, string | undefined>>,
): Config[Name] {
  const variable: Variable<unknown> = variables[name]
  try {
    return variable.parse(environment[name] || (variable.default ?? "")) as Config[Name]
  } catch (error) {
    throw new ConfigError(`${name} ${error instanceof Error ? error.message : error}`)
  }
}

export function exampleEnvironment(): string {
  const lines = Object.entries<Variable<unknown>>(variables).flatMap(([name, variable]) => [
    ...(variable.doc ? ["", `# ${variable.doc}`] : []),
    `${name}=${variable.default ?? ""}`,
  ])
  return `# Settings of the sidecar, made from sidecar/config.ts. Those without a value must be given.\n${lines.join("\n")}\n`
}

/** `:8080`, or "" where the port goes without saying. */
export function tenantUrlPort(config: Config): string {
  const number = config.TENANT_URL_PORT ?? config.HTTP_PORT
  const silent = config.TENANT_URL_SCHEME === "https" ? 443 : 80
  return number === silent ? "" : `:${number}`
}

/** The relay for the tenants' mail, or null where there is none. */
export function relayOf(config: Config) {
  if (config.SMTP_HOST === null) return null
  return {
    host: config.SMTP_HOST,
    port: config.SMTP_PORT,
    encryption: config.SMTP_ENCRYPTION,
    certificates: config.SMTP_CA_FILE ?? "",
    user: config.SMTP_USER ?? "",
    password: config.SMTP_PASSWORD_FILE ?? "",
    fromFilter: config.SMTP_FROM_FILTER ?? "",
  }
}
