/** A tenant's namespace with all that bounds it, and the claim that its filestore lies in. */
import { Writable } from "node:stream"
import type { TenantId, TenantSpec } from "../../domain/tenant.ts"
import type { Fence, Files } from "../driver.ts"
import type { Writer } from "./apply.ts"
import type { Client } from "./client.ts"
import { isReady } from "./explain.ts"
import { claim, claimName } from "./objects/claim.ts"
import { odooName } from "./objects/deployment.ts"
import { namespace } from "./objects/namespace.ts"
import { networkPolicies } from "./objects/network-policies.ts"
import { type KubeObject, labels, type Owner } from "./objects/object.ts"
import { places } from "./objects/pod.ts"
import { limitRange, resourceQuota } from "./objects/quota.ts"
import { serviceAccount } from "./objects/service-account.ts"
import { namespaceOf } from "./place.ts"
import type { KubernetesSettings } from "./settings.ts"
import type { Watched } from "./watched.ts"

export interface FilesOptions {
  readonly client: Client
  readonly writer: Writer
  readonly watched: Watched
  readonly settings: KubernetesSettings
}

export class KubernetesFiles implements Files {
  readonly #options: FilesOptions
  /** A claim can be measured only while a pod has it. */
  readonly #measured = new Map<TenantId, number>()

  constructor(options: FilesOptions) {
    this.#options = options
  }

  async ensure(spec: TenantSpec, fence: Fence): Promise<void> {
    const { settings, writer, watched } = this.#options
    const owner = writer.owner(fence)
    const { namespaces, claims } = await watched.caches()
    const name = namespaceOf(settings.prefix, spec.id)
    await namespaces.sees(await writer.apply(fence, namespace(owner, name)))
    const policies = bounds(owner, name, spec, settings)
    await Promise.all(policies.map((object) => writer.apply(fence, object)))
    await writer.prune(fence, name, "NetworkPolicy", policies)
    // Last: where the claim is, all of it is.
    await claims.sees(await writer.apply(fence, claim(owner, name, spec.limits, settings.storageClass)))
  }

  async observe(tenant: TenantId): Promise<"absent" | "present"> {
    const { claims } = await this.#options.watched.caches()
    return claims.get(claimName, this.#namespace(tenant)) ? "present" : "absent"
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
      await client.exec(this.#namespace(tenant), pod.metadata.name, ["du", "-sm", places.filestore], told)
      this.#measured.set(tenant, Number.parseInt(Buffer.concat(words).toString("utf8"), 10))
    }
    return this.#measured.get(tenant) ?? 0
  }

  async remove(fence: Fence): Promise<void> {
    const { writer, watched } = this.#options
    const { claims } = await watched.caches()
    const where = { kind: "PersistentVolumeClaim", name: claimName, namespace: this.#namespace(fence.tenant) } as const
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
  const { callers, callerNetworks, databaseNetworks, databaseNamespaces, database, relay } = settings
  return [
    resourceQuota(owner, name, spec.limits),
    limitRange(owner, name),
    serviceAccount(owner, name),
    ...networkPolicies(owner, name, {
      callers,
      callerNetworks,
      postgres: { networks: databaseNetworks, namespaces: databaseNamespaces, port: database.port },
      mailPorts: relay ? [relay.port] : [],
      https: true,
    }),
  ]
}

export function isOdoo({ metadata }: KubeObject): boolean {
  return metadata.labels?.[labels.part] === odooName
}
