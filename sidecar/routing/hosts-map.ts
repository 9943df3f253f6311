/** The one map of nginx: which host leads where. Written anew when hosts change, and only then. */
import { hasHostLetters } from "../domain/names.ts"

/** Hosts of one label may be called what a map of nginx knows as its own words; those it wants to see marked. */
const wordsOfNginx: ReadonlySet<string> = new Set(["default", "include"])

export interface HostEntry {
  readonly host: string
  /** Such as `127.66.0.5:8069`. */
  readonly upstream: string
}

/** Sorted, so that equal entries make equal files. Throws for what is no host name: nginx would read it as its own. */
export function hostsMap(entries: readonly HostEntry[]): string {
  const lines = entries.map(({ host, upstream }) => {
    if (!hasHostLetters(host)) throw new Error(`${JSON.stringify(host)} is not the name of a host`)
    return `${wordsOfNginx.has(host) ? "\\" : ""}${host} ${upstream};`
  })
  return `${lines.sort().join("\n")}\n`
}
