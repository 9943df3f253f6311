/** What the machine itself must have. On Debian root gets what is missing; others are told the one command for it. */
import { existsSync, rmSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { run, tryRun } from "./commands.ts"
import { undoable } from "./interrupts.ts"
import { isRoot } from "./os-user.ts"
import { cacheFolder, findProgram } from "./paths.ts"
import { findPostgres, oldestPostgres } from "./postgres.ts"
import type { Progress } from "./progress.ts"

/** Each by the program that shows that it is there, whoever installed it, and Debian's package for it. */
const programs = [
  { program: "nginx", name: "nginx", use: "the way into every tenant" },
  { program: "wkhtmltopdf", name: "wkhtmltopdf", use: "printing invoices" },
  { program: "setpriv", name: "util-linux", use: "running servers as users that may do less" },
] as const

const rootPrograms = [{ program: "nft", name: "nftables", use: "keeping tenants apart on the network" }] as const

const testPrograms = [
  { program: "chromium", name: "chromium", use: "browser tests" },
  { program: "ip", name: "iproute2", use: "the network of tests" },
] as const

const clusterPrograms = [
  { program: "containerd", name: "containerd", use: "the node of a test cluster" },
  { program: "runc", name: "runc", use: "the node of a test cluster" },
  { program: "ip", name: "iproute2", use: "the network of a test cluster" },
  { program: "openssl", name: "openssl", use: "the certificates of a test cluster" },
  { program: "mmdebstrap", name: "mmdebstrap", use: "the images of a test cluster" },
] as const

/** Debian 12's own packages that Debian's odoo-19 runs on, for /usr/bin/python3. */
export const odooPackages = [
  ..."asn1crypto babel cbor2 chardet cryptography dateutil docutils freezegun geoip2 gevent greenlet idna jinja2 ldap"
    .split(" ")
    .map((name) => `python3-${name}`),
  ..."libsass lxml magic markupsafe num2words ofxparse openpyxl openssl passlib pil polib psutil psycopg2 pypdf pypdf2"
    .split(" ")
    .map((name) => `python3-${name}`),
  ..."qrcode reportlab requests rjsmin serial stdnum tz urllib3 usb vobject werkzeug xlrd xlsxwriter xlwt zeep"
    .split(" ")
    .map((name) => `python3-${name}`),
  ..."dejavu-core font-awesome glyphicons-halflings inconsolata ocr-b roboto-unhinted"
    .split(" ")
    .map((name) => `fonts-${name}`),
  "gsfonts",
  "libjs-jquery",
  "libjs-jquery-form",
  "libjs-underscore",
]

/** Without the websocket library Odoo skips every browser test and calls that a success. */
const testPackages = ["python3-websocket", "python3-venv"]

/** Its programs are not where others look for them. */
const clusterPackages = ["containernetworking-plugins"]

/** `cluster` is what a Kubernetes for tests needs beyond `run`. */
export type Purpose = "run" | "test" | "cluster"

export interface Missing {
  /** Debian's name. */
  readonly name: string
  readonly use: string
}

export async function missingPackages(purpose: Purpose): Promise<Missing[]> {
  const wanted = [
    ...programs,
    ...(isRoot ? rootPrograms : []),
    ...(purpose === "test" ? testPrograms : []),
    ...(purpose === "cluster" ? clusterPrograms : []),
  ]
  const missing: Missing[] = wanted
    .filter(({ program }) => findProgram(process.env[`${program.toUpperCase()}_BIN`] || program) === null)
    .map(({ name, use }) => ({ name, use }))
  if (findPostgres() === null) missing.push({ name: "postgresql", use: `PostgreSQL ${oldestPostgres} or newer` })
  if (findProgram("dpkg-query") !== null) {
    const libraries = [
      ...(process.env.ODOO_BIN ? [] : odooPackages.map((name) => ({ name, use: "Odoo's libraries" }))),
      ...(purpose === "test" ? testPackages.map((name) => ({ name, use: "tests" })) : []),
      ...(purpose === "cluster" ? clusterPackages.map((name) => ({ name, use: "the network of a test cluster" })) : []),
    ]
    const names = libraries.map(({ name }) => name)
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query fills these in, not JavaScript.
    const asked = await tryRun("dpkg-query", ["-W", "-f", "${Package} ${db:Status-Status}\n", ...names])
    const there = new Set(asked.stdout.split("\n").flatMap((line) => /^(\S+) installed$/.exec(line)?.[1] ?? []))
    missing.push(...libraries.filter(({ name }) => !there.has(name)))
  }
  return missing
}

/** One command, to be run as root. */
export function installCommand(missing: readonly Missing[]): string {
  const names = missing.map(({ name }) => name).join(" ")
  const asRoot = findProgram("sudo") === null ? "su -c" : "sudo sh -c"
  return `${asRoot} "apt-get update && apt-get install -y --no-install-recommends ${names}"`
}

/** Sentences about programs that a person has named and that are not there. */
export function wrongPrograms(): string[] {
  const named = [...programs, ...rootPrograms, ...testPrograms].map(({ program }) => `${program.toUpperCase()}_BIN`)
  const wrong = [...named, "ODOO_BIN", "ODOO_PYTHON"].filter((name) => {
    const given = process.env[name]
    return given && (name === "ODOO_BIN" ? !existsSync(given) : findProgram(given) === null)
  })
  const words = wrong.map((name) => `${name} names ${process.env[name]}, which is not there.`)
  const { PG_BIN } = process.env
  if (PG_BIN && findProgram(join(resolve(PG_BIN), "initdb")) === null) {
    words.push(`PG_BIN names ${PG_BIN}, and there is no initdb in it.`)
  }
  return words
}

/** Says what a person has to do, when this program cannot do it for them. */
export class ToDo extends Error {
  override readonly name = "ToDo"
}

/** Installs what is missing, or throws `ToDo`. */
export async function ensurePackages(purpose: Purpose, progress: Progress): Promise<void> {
  const wrong = wrongPrograms()
  if (wrong.length > 0) throw new ToDo(`${wrong.join("\n")}\nName another, or unset it and what Debian has is used.`)
  const missing = await missingPackages(purpose)
  if (missing.length === 0) return
  const reasons = new Map(missing.map(({ name, use }) => [use, name]))
  if (findProgram("apt-get") === null) {
    const list = missing.map(({ name, use }) => `  ${name} (${use})`).join("\n")
    throw new ToDo(`Please install these with your system's package manager, then run the same command again:\n${list}`)
  }
  if (!isRoot) {
    throw new ToDo(
      `${missing.length} packages are missing (for ${[...reasons.keys()].join(", ")}). ` +
        `Run this as root, then the same command again:\n\n  ${installCommand(missing)}\n`,
    )
  }
  await progress(`install ${missing.length} Debian packages`, async (step) => {
    const log = join(cacheFolder(), "apt.log")
    const env = { ...(process.env as Record<string, string>), DEBIAN_FRONTEND: "noninteractive" }
    await run("apt-get", ["update", "-q"], { env, log, onLine: (line) => step.detail(line.slice(0, 60)) })
    const names = missing.map(({ name }) => name)
    const installing = withoutServices(() =>
      run("apt-get", ["install", "-q", "-y", "--no-install-recommends", ...names], {
        env,
        log,
        // A half-installed package would be in the way of every other.
        uninterrupted: true,
        onLine: (line) => step.detail(line.slice(0, 60)),
      }),
    )
    await undoable(
      () => installing,
      () => installing,
    )
  })
  if (findPostgres() === null) {
    throw new ToDo(
      `This system's PostgreSQL is older than ${oldestPostgres}. Install a newer one and name its folder: PG_BIN`,
    )
  }
}

/** Debian starts a server as soon as it is installed; ours run from our own configuration only. */
async function withoutServices<T>(work: () => Promise<T>): Promise<T> {
  const policy = "/usr/sbin/policy-rc.d"
  if (existsSync(policy)) return work()
  writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 })
  try {
    return await work()
  } finally {
    rmSync(policy)
  }
}
