/** A tenant's files for a backup: they are where only a pod gets at them. */
import { createWriteStream } from "node:fs"
import { writeFile } from "node:fs/promises"
import type { Filestore } from "../../backups/final-backups.ts"
import { RetryableError } from "../../domain/errors.ts"
import type { TenantId } from "../../domain/tenant.ts"
import type { Fence, Files } from "../driver.ts"
import type { Writer } from "./apply.ts"
import type { Client } from "./client.ts"
import { isReady, problemOf } from "./explain.ts"
import { claimName } from "./objects/claim.ts"
import { packer, packerName } from "./objects/packer.ts"
import { places } from "./objects/pod.ts"
import { namespaceOf } from "./place.ts"
import type { KubernetesSettings } from "./settings.ts"
import type { Watched } from "./watched.ts"

export interface FilestoreOptions {
  readonly client: Client
  readonly writer: Writer
  readonly watched: Watched
  readonly settings: KubernetesSettings
  readonly files: Pick<Files, "usage">
}

const startSeconds = 120
const emptyArchive = Buffer.alloc(10_240)
/** An Odoo that never served has made no folder. */
const pack = `mkdir -p ${places.filestore} && exec tar -C ${places.filestore} --sparse --exclude=./sessions -cf - .`

export class ClaimFilestore implements Filestore {
  readonly #options: FilestoreOptions

  constructor(options: FilestoreOptions) {
    this.#options = options
  }

  async bytes(tenant: TenantId): Promise<number> {
    return (await this.#options.files.usage(tenant)) * 1024 * 1024
  }

  async pack(tenant: TenantId, file: string, fence: Fence): Promise<void> {
    const { client, writer, watched, settings } = this.#options
    const { pods, claims } = await watched.caches()
    const namespace = namespaceOf(settings.prefix, tenant)
    // No pod ever started with it, so there is nothing in it, and none would start now.
    if (!claims.get(claimName, namespace)?.spec.volumeName) return await writeFile(file, emptyArchive, { mode: 0o600 })
    await writer.apply(fence, packer(writer.owner(fence), namespace, settings.image))
    try {
      const isUp = () => {
        const pod = pods.get(packerName, namespace)
        return pod !== null && isReady(pod)
      }
      if (!(await pods.until(isUp, startSeconds, fence.signal))) {
        const why = problemOf(null, pods.get(packerName, namespace), Date.now())
        throw new RetryableError(`The pod that packs the files does not start. ${why}`)
      }
      const where = { namespace, pod: packerName, container: packerName }
      await client.exec(where, ["sh", "-c", pack], createWriteStream(file, { mode: 0o600 }))
    } finally {
      await writer.remove(fence, { kind: "Pod", name: packerName, namespace }, { awaitGone: true })
    }
  }
}
