/** What is otherwise than we made it, because somebody changed it by hand or an older version of ours made it. */
import { annotations, type KubeObject } from "./objects/object.ts"
import { quantity } from "./quantity.ts"

/** In words, "" where it is as it should be. What others have added (a container, a label) is theirs. */
export function driftOf(wanted: KubeObject, seen: KubeObject | null): string {
  const what = `${wanted.kind} ${wanted.metadata.name}`
  if (seen === null) return `The ${what} is not there.`
  // An epoch changes with every claim and means nothing here.
  const { apiVersion: _, kind: __, metadata, ...body } = wanted
  const { [annotations.epoch]: ___, ...marks } = metadata.annotations ?? {}
  const found =
    difference(["labels"], metadata.labels ?? {}, seen.metadata.labels) ??
    difference(["annotations"], marks, seen.metadata.annotations) ??
    difference([], body, seen)
  return found === null ? "" : `The ${what} is not as it should be: ${found}.`
}

function difference(path: readonly string[], wanted: unknown, seen: unknown): string | null {
  if (Array.isArray(wanted)) return listDifference(path, wanted, Array.isArray(seen) ? seen : [])
  if (typeof wanted === "object" && wanted !== null) {
    const there = (typeof seen === "object" && seen !== null ? seen : {}) as Record<string, unknown>
    // The API server leaves out some of what is empty.
    if (seen === undefined && Object.keys(wanted).length > 0) return `${path.join(".")} is missing`
    for (const [key, value] of Object.entries(wanted)) {
      const found = value === undefined ? null : difference([...path, key], value, there[key])
      if (found) return found
    }
    return null
  }
  return isSame(wanted, seen) ? null : `${path.join(".")} is ${shown(seen)}, not ${shown(wanted)}`
}

function listDifference(path: readonly string[], wanted: readonly unknown[], seen: readonly unknown[]): string | null {
  const names = wanted.map(nameOf)
  const isNamed = wanted.length > 0 && names.every((name) => name !== null) && new Set(names).size === names.length
  if (!isNamed && wanted.length !== seen.length) {
    return `${path.join(".")} has ${seen.length} entries, not ${wanted.length}`
  }
  for (const [index, one] of wanted.entries()) {
    const name = names[index] ?? String(index)
    const there = isNamed ? seen.find((other) => nameOf(other) === name) : seen[index]
    const found = difference([...path, name], one, there)
    if (found) return found
  }
  return null
}

function nameOf(one: unknown): string | null {
  const name = (one as { name?: unknown } | null)?.name
  return typeof name === "string" ? name : null
}

/** Kubernetes writes 1024Mi as 1Gi, and 1000m as 1. */
function isSame(wanted: unknown, seen: unknown): boolean {
  if (wanted === seen) return true
  if (wanted === "" && seen === undefined) return true
  const [one, other] = [amount(wanted), amount(seen)]
  return one !== null && one === other
}

function amount(value: unknown): number | null {
  return typeof value === "string" && /^[0-9.]+(m|[kMG]|[KMGT]i)?$/.test(value) ? quantity(value) : null
}

function shown(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "missing")
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
