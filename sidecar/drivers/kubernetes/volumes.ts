/**
 * The volumes behind tenants' claims. A claim goes with its namespace, whoever removes that; the data must not. So
 * volumes are kept (`Retain`) while a tenant lives, given to it again when it comes back, and released by a deletion.
 */
import { RetryableError } from "../../domain/errors.ts"
import type { Fence } from "../driver.ts"
import type { Writer } from "./apply.ts"
import type { Client } from "./client.ts"
import { type Claim, claimName } from "./objects/claim.ts"
import { annotations, epochOf, type KubeObject } from "./objects/object.ts"
import { isProvisioned, type Volume } from "./objects/volume.ts"
import { Refusal, toldOf } from "./problems.ts"
import type { Watched } from "./watched.ts"

export interface VolumesOptions {
  readonly client: Client
  readonly writer: Writer
  readonly watched: Watched
}

/** The cluster hears within a second that a claim is gone. */
const releaseSeconds = 20

export class Volumes {
  readonly #options: VolumesOptions

  constructor(options: VolumesOptions) {
    this.#options = options
  }

  /** Of a claim that is bound; null while it waits for its first pod. */
  async of(claim: Claim | null): Promise<Volume | null> {
    const { volumes } = await this.#options.watched.caches()
    const found = claim?.spec.volumeName ? volumes.get(claim.spec.volumeName) : null
    return found?.spec.claimRef?.uid === claim?.metadata.uid ? found : null
  }

  /** The volume that this namespace's claim had when somebody removed it, made ready to be had again; null: none. */
  async left(fence: Fence, namespace: string, claim: string = claimName): Promise<Volume | null> {
    const { volumes } = await this.#options.watched.caches()
    const find = () => volumes.list().find((volume) => isKeptFor(volume, namespace, claim))
    const isReleased = () => ["Released", "Available", undefined].includes(find()?.status?.phase)
    // A new claim that came before it is released would get an empty one.
    if (!(await volumes.until(isReleased, releaseSeconds, fence.signal))) {
      throw new RetryableError(`The volume ${find()?.metadata.name} with the tenant's data is not released yet.`)
    }
    const found = find()
    // Still for a claim of that place and name, whichever it is.
    return found ? await this.#change(fence, found, { claimRef: { uid: null, resourceVersion: null } }) : null
  }

  /** Whether a filestore was here before, and its volume is still kept for it. */
  async hasKept(namespace: string): Promise<boolean> {
    const { volumes } = await this.#options.watched.caches()
    return volumes.list().some((volume) => isKeptFor(volume, namespace, claimName))
  }

  /**
   * Whether `left` would find what a provisioner has made. One that was made by hand stays after a deletion, too, so that
   * its being there says nothing.
   */
  async isLeft(namespace: string, claim: string): Promise<boolean> {
    const { volumes } = await this.#options.watched.caches()
    return volumes.list().some((volume) => isProvisioned(volume) && isKeptFor(volume, namespace, claim))
  }

  async keep(fence: Fence, volume: Volume): Promise<void> {
    await this.#setPolicy(fence, volume, "Retain")
  }

  /** Its provisioner takes it away once its claim is gone. One that was made by hand stays as it is. */
  async release(fence: Fence, volume: Volume): Promise<void> {
    if (isProvisioned(volume)) await this.#setPolicy(fence, volume, "Delete")
  }

  /** What an older claim would still write names a version that is no more from here on. */
  async takeOver(fence: Fence, namespace: string): Promise<void> {
    const { volumes } = await this.#options.watched.caches()
    for (const volume of volumes.list().filter(({ spec }) => spec.claimRef?.namespace === namespace)) {
      if (epochOf(volume) < fence.epoch) await this.#change(fence, volume, null)
    }
  }

  async #setPolicy(fence: Fence, volume: Volume, policy: "Retain" | "Delete"): Promise<void> {
    if (volume.spec.persistentVolumeReclaimPolicy === policy) return
    await this.#change(fence, volume, { persistentVolumeReclaimPolicy: policy })
  }

  /** Volumes are not ours: a write names the version that was looked at, right after the check. */
  async #change(fence: Fence, { metadata }: KubeObject, spec: object | null): Promise<Volume> {
    const { client, writer, watched } = this.#options
    const { name, resourceVersion } = metadata
    const marks = { [annotations.epoch]: String(fence.epoch) }
    await writer.check(fence)
    const where = { kind: "PersistentVolume", name } as const
    const changed = await client
      .merge<Volume>(where, { metadata: { resourceVersion, annotations: marks }, ...(spec ? { spec } : {}) })
      .catch((error: unknown) => {
        throw error instanceof Refusal ? toldOf(error, `The volume ${name}`) : error
      })
    const { volumes } = await watched.caches()
    await volumes.sees(changed)
    return changed
  }
}

function isKeptFor({ spec }: Volume, namespace: string, claim: string): boolean {
  const { claimRef, persistentVolumeReclaimPolicy: policy } = spec
  return claimRef?.namespace === namespace && claimRef.name === claim && policy === "Retain"
}

/** In words, "" where the data would outlive the namespace. */
export function riskOf({ metadata, spec }: Volume): string {
  if (spec.persistentVolumeReclaimPolicy === "Retain") return ""
  return `The volume ${metadata.name} would go with its claim.`
}
