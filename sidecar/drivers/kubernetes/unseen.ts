/** What we have written or removed and the API server has not told yet: a cache that lags must not be taken for the world. */
import type { KubeObject } from "./objects/object.ts"

interface Place {
  readonly name: string
  readonly namespace?: string | undefined
}

export class Unseen {
  /** By namespace and name: the version that we have written, or who is no more. */
  readonly #ours = new Map<string, { readonly version: string } | { readonly goneUid: string }>()

  /** `seen`: as the cache has it. */
  wrote({ metadata }: KubeObject, seen: KubeObject | null): void {
    const { resourceVersion: version } = metadata
    if (version && (seen === null || isOlder(seen, version))) this.#ours.set(keyOf(metadata), { version })
    else this.#ours.delete(keyOf(metadata))
  }

  removed(place: Place, uid: string, seen: KubeObject | null): void {
    // Not even its making may have been told.
    if (seen?.metadata.uid === uid || this.#ours.has(keyOf(place))) this.#ours.set(keyOf(place), { goneUid: uid })
  }

  /** The cache has heard of it. `gone`: of its end, after which nothing newer comes. */
  told(object: KubeObject, gone: boolean): void {
    if (gone || this.#isNews(object)) this.#ours.delete(keyOf(object.metadata))
  }

  /** Whether what the cache has may be older than what we have done. */
  hides(place: Place, seen: KubeObject | null): boolean {
    return this.#ours.has(keyOf(place)) && (seen === null || !this.#isNews(seen))
  }

  #isNews(seen: KubeObject): boolean {
    const ours = this.#ours.get(keyOf(seen.metadata))
    if (ours === undefined) return true
    return "version" in ours ? !isOlder(seen, ours.version) : seen.metadata.uid !== ours.goneUid
  }
}

export function isOlder({ metadata }: KubeObject, version = "0"): boolean {
  return BigInt(metadata.resourceVersion ?? 0) < BigInt(version)
}

function keyOf({ name, namespace = "" }: Place): string {
  return `${namespace}/${name}`
}
