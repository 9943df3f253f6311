/** A tenant's namespace with all that bounds it, and the claim that its filestore lies in. */
import { Writable } from "node:stream"
import { relayFor } from "../../domain/odoo-conf.ts"
import type { SeenFiles } from "../../domain/plan.ts"
import type { TenantId, TenantSpec } from "../../domain/tenant.ts"
import type { Fence, Files } from "../driver.ts"
import type { Writer } from "./apply.ts"
import type { Client } from "./client.ts"
import { driftOf } from "./drift.ts"
import { isReady } from "./explain.ts"
import { type Claim, claim, claimName } from "./objects/claim.ts"
import { odooName } from "./objects/deployment.ts"
import { namespace } from "./objects/namespace.ts"
import { networkPolicies } from "./objects/network-policies.ts"
import { annotations, type KubeObject, labels, type Owner, withMarks } from "./objects/object.ts"
import { places } from "./objects/pod.ts"
import { limitRange, resourceQuota } from "./objects/quota.ts"
import { serviceAccount } from "./objects/service-account.ts"
import type { Volume } from "./objects/volume.ts"
import { namespaceOf } from "./place.ts"
import { reachOf } from "./reach.ts"
import type { KubernetesSettings } from "./settings.ts"
import { riskOf, type Volumes } from "./volumes.ts"
import type { Watched } from "./watched.ts"

export interface FilesOptions {
  readonly client: Client
  readonly writer: Writer
  readonly watched: Watched
  readonly settings: KubernetesSettings
  readonly volumes: Volumes
}

/** On a claim for whose pod there is no database yet. */
const begun = { [annotations.begun]: "without a database" }

export class KubernetesFiles implements Files {
  readonly #options: FilesOptions
  /** A claim can be measured only while a pod has it. */
  readonly #measured = new Map<TenantId, number>()

  constructor(options: FilesOptions) {
    this.#options = options
  }

  async begin(spec: TenantSpec, fence: Fence): Promise<void> {
    const { writer, watched, volumes } = this.#options
    await this.#surround(spec, fence)
    // What a removed one has left has the customer's data in it.
    if (await volumes.hasKept(this.#namespace(spec.id))) return
    await watched.sees([await writer.apply(fence, withMarks(await this.#claim(spec, fence), begun))])
  }

  async ensure(spec: TenantSpec, fence: Fence): Promise<void> {
    const { writer, watched } = this.#options
    await this.#surround(spec, fence)
    // Last: where the claim is, all of it is. Nothing of one that is there can be changed.
    if ((await this.observe(spec.id)) !== "present") {
      await watched.sees([await writer.apply(fence, await this.#claim(spec, fence))])
    }
    const volume = await this.#volumeOf(spec.id)
    if (volume) await this.#options.volumes.keep(fence, volume)
  }

  async #surround(spec: TenantSpec, fence: Fence): Promise<void> {
    const { settings, writer, watched } = this.#options
    const owner = writer.owner(fence)
    const name = this.#namespace(spec.id)
    await watched.sees([await writer.apply(fence, namespace(owner, name))])
    const all = bounds(owner, name, spec, settings)
    await watched.sees(await writer.applyAll(fence, all))
    await writer.prune(fence, name, "NetworkPolicy", all)
  }

  /** "" where everything is as it should be, as far as it is there at all. */
  async drift(spec: TenantSpec): Promise<string> {
    const { settings, writer, watched } = this.#options
    if ((await this.observe(spec.id)) !== "present") return ""
    const name = this.#namespace(spec.id)
    const owner = writer.owner({ tenant: spec.id, epoch: 0 })
    for (const wanted of [namespace(owner, name), ...bounds(owner, name, spec, settings)]) {
      const found = driftOf(wanted, await watched.seen(wanted))
      if (found) return found
    }
    const volume = await this.#volumeOf(spec.id)
    return volume ? riskOf(volume) : ""
  }

  /** Nothing of a claim that is there can be changed; a new one gets the volume that a removed one has left. */
  async #claim(spec: TenantSpec, fence: Fence): Promise<Claim> {
    const { settings, writer, watched, volumes } = this.#options
    const { claims } = await watched.caches()
    const name = this.#namespace(spec.id)
    const parts = { limits: spec.limits, storageClass: settings.storageClass }
    const there = claims.get(claimName, name)
    if (there) {
      const { volumeName, storageClassName, resources } = there.spec
      const fixed = { ...(volumeName ? { volumeName } : {}), ...(storageClassName ? { storageClassName } : {}) }
      return claim(writer.owner(fence), name, { ...parts, fixed: { ...fixed, ...(resources ? { resources } : {}) } })
    }
    const left = await volumes.left(fence, name)
    if (left === null) return claim(writer.owner(fence), name, parts)
    const { storageClassName = "" } = left.spec
    return claim(writer.owner(fence), name, { ...parts, fixed: { volumeName: left.metadata.name, storageClassName } })
  }

  async #volumeOf(tenant: TenantId): Promise<Volume | null> {
    const { claims } = await this.#options.watched.caches()
    return await this.#options.volumes.of(claims.get(claimName, this.#namespace(tenant)))
  }

  async observe(tenant: TenantId): Promise<SeenFiles> {
    const { claims } = await this.#options.watched.caches()
    const found = claims.get(claimName, this.#namespace(tenant))
    if (found === null) return "absent"
    return found.metadata.annotations?.[annotations.begun] === undefined ? "present" : "begun"
  }

  async usage(tenant: TenantId): Promise<number> {
    const { client, watched } = this.#options
    const { pods } = await watched.caches()
    const pod = pods.list(this.#namespace(tenant)).find((one) => isOdoo(one) && isReady(one))
    if (pod) {
      const words: Buffer[] = []
      const told = new Writable({
        write: (chunk: Buffer, _, done) => {
          words.push(chunk)
          done()
        },
      })
      const where = { namespace: this.#namespace(tenant), pod: pod.metadata.name, container: odooName }
      await client.exec(where, ["du", "-sm", places.filestore], told)
      this.#measured.set(tenant, Number.parseInt(Buffer.concat(words).toString("utf8"), 10))
    }
    return this.#measured.get(tenant) ?? 0
  }

  async remove(fence: Fence): Promise<void> {
    const { writer, watched } = this.#options
    const { claims } = await watched.caches()
    const where = { kind: "PersistentVolumeClaim", name: claimName, namespace: this.#namespace(fence.tenant) } as const
    const volume = await this.#volumeOf(fence.tenant)
    if (volume) await this.#options.volumes.release(fence, volume)
    await writer.remove(fence, where, { awaitGone: true })
    await claims.until(() => claims.get(where.name, where.namespace) === null, 5, fence.signal)
    this.#measured.delete(fence.tenant)
  }

  #namespace(tenant: TenantId): string {
    return namespaceOf(this.#options.settings.prefix, tenant)
  }
}

/** Everything of a namespace that comes of the plan and of the operator's settings. */
export function bounds(owner: Owner, name: string, spec: TenantSpec, settings: KubernetesSettings): KubeObject[] {
  const { callers, callerNetworks, certificates } = settings
  const relay = relayFor(spec.outgoing, settings.relay)
  const reach = reachOf(settings, spec)
  return [
    resourceQuota(owner, name, { ...spec, certificates: certificates !== null }),
    limitRange(owner, name),
    serviceAccount(owner, name),
    ...networkPolicies(owner, name, {
      callers,
      callerNetworks,
      postgres: reach.shared ? [reach] : [],
      ownPostgres: spec.database === "dedicated",
      certificates: certificates !== null,
      mailPorts: relay ? [relay.port] : [],
      https: spec.outgoing.https,
    }),
  ]
}

export function isOdoo({ metadata }: KubeObject): boolean {
  return metadata.labels?.[labels.part] === odooName
}
