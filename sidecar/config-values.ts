/** How the settings are read: each throws an error whose message ends the sentence "NAME …". */
import { readFileSync } from "node:fs"
import { isIP, isIPv4 } from "node:net"
import { dirname, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { hasHostLetters } from "./domain/names.ts"
import { misread } from "./domain/odoo-options.ts"
import { isSocketFolder } from "./domain/socket-folder.ts"

/** Where this project's own addons and runtime files are. */
export const repository = dirname(dirname(fileURLToPath(import.meta.url)))

export function text(value: string): string {
  if (value.trim() !== value) throw new Error("has blanks around it: remove them")
  if (/\p{Cc}/u.test(value)) throw new Error("has more than one line, or a character that cannot be printed: remove it")
  // Node has put it in the place of what it could not read.
  if (value.includes("\ufffd")) throw new Error("is not written in UTF-8: convert it")
  return value
}

/** Of what is written into the files of other programs: nothing in it means anything to one of them. */
export function word(value: string): string {
  if (/^[\w.:/@+=-]+$/.test(value)) return value
  throw new Error(`is "${value}": use letters, digits and . _ - : / @ + = only`)
}

/** A host, or the folder of a Unix socket. */
export function databaseHost(value: string): string {
  return isSocketFolder(value) ? stateFolder(value) : word(value)
}

/** A host or the folder of a Unix socket, with the port that is a part of the socket's name as well. */
export function databaseAddress(value: string): string {
  const [host, number, ...rest] = value.split(":")
  if (!host || !isSocketFolder(host) || number === undefined || rest.length > 0) return address(value)
  return `${databaseHost(host)}:${port(number)}`
}

export function hostName(value: string): string {
  const host = value.toLowerCase()
  if (hasHostLetters(host)) return host
  throw new Error(`is "${value}": give the name of a host, such as odoo.example.com`)
}

export function name(value: string): string {
  if (!/^[a-z0-9_][a-z0-9_-]{0,62}$/.test(value)) {
    throw new Error(`is "${value}": use small letters, digits, - and _, at most 63 of them`)
  }
  return value
}

export function path(value: string): string {
  return resolve(repository, text(value))
}

/** Its path is written into the files of nginx, PostgreSQL and Odoo, which read other signs as their own. */
export function stateFolder(value: string): string {
  const folder = path(value)
  if (/^[\p{L}\p{M}\p{N}/._@+=-]+$/u.test(folder)) return folder
  throw new Error(`is "${folder}": choose a folder in whose path are letters, digits and . _ - @ + = only`)
}

export function integer(least: number, most: number): (value: string) => number {
  return (value) => {
    const number = Number(value)
    if (/^\d+$/.test(value) && number >= least && number <= most) return number
    throw new Error(`is "${value}": give a whole number from ${least} to ${most}`)
  }
}

export function port(value: string): number {
  return integer(1, 65_535)(value)
}

export function address(value: string): string {
  const [host, number, ...rest] = value.split(":")
  if (!host || number === undefined || rest.length > 0 || !/^[\w.-]+$/.test(host)) {
    throw new Error(`is "${value}": write it as 127.0.0.1:8069`)
  }
  return `${host}:${port(number)}`
}

const socket = /^unix:(?=\/)/

/** Where nginx finds a server: `unix:/…` for a Unix socket. */
export function upstream(value: string): string {
  return socket.test(value) ? `unix:${stateFolder(value.replace(socket, ""))}` : address(value)
}

/** Where a server answers HTTP: `unix:/…` for a Unix socket. */
export function server(value: string): string {
  return socket.test(value) ? `unix:${stateFolder(value.replace(socket, ""))}` : origin(value)
}

export function origin(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : null
  if (url && /^https?:$/.test(url.protocol) && url.pathname === "/" && !url.username) return url.origin
  throw new Error(`is "${value}": write it as http://127.0.0.1:8069, without a path`)
}

export function loopback(value: string): string {
  if (isIPv4(value) && value.startsWith("127.") && value.endsWith(".0.0")) return value
  throw new Error(`is "${value}": give a /16 of the loopback network, such as 127.66.0.0`)
}

/** Separated by commas or blanks. */
export function networks(value: string): readonly string[] {
  const given = value.split(/[\s,]+/).filter(Boolean)
  for (const network of given) {
    const [host = "", bits, ...rest] = network.split("/")
    const most = isIP(host) === 4 ? 32 : 128
    const fits = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most)
    if (isIP(host) === 0 || !fits || rest.length > 0) {
      throw new Error(`names "${network}": give addresses or networks, such as 10.0.0.5 or 10.0.0.0/24`)
    }
  }
  return given
}

export function certificates(file: string): string {
  const content = fileText(file).trim()
  if (/^-----BEGIN CERTIFICATE-----$/m.test(content)) return content
  throw new Error(`names ${file}, which holds no certificate: it begins with -----BEGIN CERTIFICATE-----`)
}

export function oneOf<const T extends string>(...allowed: readonly T[]): (value: string) => T {
  return (value) => {
    const found = allowed.find((one) => one === value)
    if (found !== undefined) return found
    throw new Error(`is "${value}": give one of ${allowed.join(", ")}`)
  }
}

/** Separated by commas or blanks. */
export function namespaces(value: string): readonly string[] {
  const given = value.split(/[\s,]+/).filter(Boolean)
  const wrong = given.find((one) => !isNamespace(one))
  if (wrong === undefined) return given
  throw new Error(`names "${wrong}": give namespaces of the cluster, such as traefik`)
}

export function namespacePrefix(value: string): string {
  if (isNamespace(`${value}x`)) return value
  throw new Error(`is "${value}": use small letters, digits and -, and begin with no -`)
}

export function isNamespace(name: string): boolean {
  return hasHostLetters(name) && !name.includes(".")
}

export function optional<T>(parse: (value: string) => T): (value: string) => T | null {
  return (value) => (value === "" ? null : parse(value))
}

/** Of one line; what ends it is no part of it, and everything else is. */
export function secret(file: string): string {
  const content = fileText(file).replace(/\r?\n$/, "")
  if (content === "") throw new Error(`names ${file}, which is empty: put the secret in it`)
  if (/\p{Cc}/u.test(content)) {
    throw new Error(`names ${file}, which has more than one line, or a character that cannot be printed: remove it`)
  }
  return content
}

/** It travels in a header. */
export function token(file: string): string {
  const content = secret(file)
  if (/^[\x20-\x7e]+$/.test(content) && content.trim() === content) return content
  throw new Error(
    `names ${file}, which has blanks around it or letters beyond ASCII: make it with openssl rand -hex 32`,
  )
}

export function key(file: string): Uint8Array {
  const content = secret(file)
  if (/^[0-9a-f]{64}$/i.test(content)) return Buffer.from(content, "hex")
  throw new Error(`names ${file}, which does not hold 64 hexadecimal characters: make it with openssl rand -hex 32`)
}

/** Of what is written into the tenants' odoo.conf; `parse` may keep it a secret, so it is not repeated. */
export function forOdoo(parse: (value: string) => string): (value: string) => string {
  return (value) => {
    const found = parse(value)
    const why = misread(found)
    if (why === null) return found
    throw new Error(`cannot be told to Odoo as it is: it ${why}. Choose another one`)
  }
}

export function fileText(file: string): string {
  let bytes: Buffer
  try {
    bytes = readFileSync(path(file))
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : error
    throw new Error(`names ${file}, which cannot be read (${code}): make that file, readable by the sidecar only`)
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    throw new Error(`names ${file}, which is not written in UTF-8: convert it`)
  }
}
