/** What an API server has logged of a sidecar's requests, as counts of calls. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs"

interface Entry {
  readonly stage: string
  readonly verb: string
  readonly requestURI: string
  readonly objectRef?: { readonly resource?: string; readonly namespace?: string }
}

export class AuditLog {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  /** Where it ends now; what follows is what is asked from here on. */
  get end(): number {
    return existsSync(this.#file) ? this.#read((file) => fstatSync(file).size) : 0
  }

  since(position: number): string {
    return this.#read((file) => {
      const length = fstatSync(file).size - position
      const bytes = Buffer.alloc(Math.max(0, length))
      readSync(file, bytes, 0, bytes.length, position)
      return bytes.toString("utf8")
    })
  }

  #read<T>(read: (file: number) => T): T {
    const file = openSync(this.#file, "r")
    try {
      return read(file)
    } finally {
      closeSync(file)
    }
  }
}

/**
 * How often each kind of object was asked for with each verb, such as "patch ingresses"; "list all pods" is one of the
 * whole cluster. A watch counts as one call, when it begins.
 */
export function callsIn(log: string): Map<string, number> {
  const calls = new Map<string, number>()
  for (const line of log.split("\n")) {
    // The last line may be half written.
    if (!line.endsWith("}")) continue
    const { stage, verb, requestURI, objectRef } = JSON.parse(line) as Entry
    const isWatch = verb === "watch"
    if (stage !== (isWatch ? "ResponseStarted" : "ResponseComplete")) continue
    const isOfAll = (isWatch || verb === "list") && objectRef?.namespace === undefined
    // What all tenants have in common is looked at with the first of them.
    const once = objectRef?.namespace?.endsWith("-workshop") ? "once " : ""
    const call = `${once}${verb}${isOfAll ? " all" : ""} ${objectRef?.resource ?? requestURI.replace(/\?.*/, "")}`
    calls.set(call, (calls.get(call) ?? 0) + 1)
  }
  return calls
}

/** Without those of no tenant: of the whole cluster, by a clock of the caches' own, and once a start. They are the same few. */
export function countPerTenant(calls: ReadonlyMap<string, number>): number {
  return [...calls].reduce((sum, [call, count]) => (/^((watch|list) all|once) /.test(call) ? sum : sum + count), 0)
}

export function inWords(calls: ReadonlyMap<string, number>): string {
  return [...calls].map(([call, count]) => `${count} ${call}`).join(", ") || "none"
}
