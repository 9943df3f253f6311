/** The watch caches of one target, opened with the first question: until then nobody knows whose objects to watch. */
import type { Logger } from "pino"
import type { TenantId } from "../../domain/tenant.ts"
import { WatchCache } from "./cache.ts"
import type { Client, Where } from "./client.ts"
import type { Pod } from "./explain.ts"
import type { Claim } from "./objects/claim.ts"
import type { Deployment } from "./objects/deployment.ts"
import type { Ingress } from "./objects/ingress.ts"
import { type Kind, type KubeObject, labels, ourselves, tenantOf } from "./objects/object.ts"
import type { Volume } from "./objects/volume.ts"
import { Pulse } from "./pulse.ts"

export interface Caches {
  readonly namespaces: WatchCache<KubeObject>
  readonly claims: WatchCache<Claim>
  readonly deployments: WatchCache<Deployment>
  readonly pods: WatchCache<Pod>
  readonly ingresses: WatchCache<Ingress>
  readonly policies: WatchCache<KubeObject>
  readonly quotas: WatchCache<KubeObject>
  readonly ranges: WatchCache<KubeObject>
  readonly accounts: WatchCache<KubeObject>
  readonly services: WatchCache<KubeObject>
  /** All that there are: they carry no mark of ours. */
  readonly volumes: WatchCache<Volume>
  /** Those of everybody else, wherever they are: what somebody adds to a tenant is among them. */
  readonly othersIngresses: WatchCache<KubeObject>
  readonly othersPolicies: WatchCache<KubeObject>
}

export class Watched {
  readonly #client: Client
  readonly #installation: () => string
  readonly #pulse: Pulse
  #caches: Caches | null = null
  readonly #listeners = new Set<(tenant: TenantId) => void>()

  constructor(client: Client, installation: () => string, log: Logger) {
    this.#client = client
    this.#installation = installation
    this.#pulse = new Pulse({ ask: () => client.hear(), back: () => this.#resume(), log })
  }

  /** Resolves once each of them has seen everything. */
  async caches(): Promise<Caches> {
    this.#caches ??= this.#open()
    this.#pulse.start()
    for (const cache of Object.values(this.#caches)) await cache.ready()
    return this.#caches
  }

  /** As the API server told it last; null for a kind that is not watched, too. */
  async seen({ kind, metadata }: KubeObject): Promise<KubeObject | null> {
    return this.#cacheOf(await this.caches(), kind)?.get(metadata.name, metadata.namespace) ?? null
  }

  async find({ kind, name, namespace }: Where): Promise<KubeObject | null> {
    return this.#cacheOf(await this.caches(), kind)?.getFresh(name, namespace) ?? null
  }

  wrote(object: KubeObject): void {
    if (this.#caches) this.#cacheOf(this.#caches, object.kind)?.wrote(object)
  }

  removed({ kind, name, namespace }: Where, uid: string): void {
    if (this.#caches) this.#cacheOf(this.#caches, kind)?.removed(name, namespace, uid)
  }

  /** null for a kind that is not watched. */
  async findIn(kind: Kind, namespace: string): Promise<readonly KubeObject[] | null> {
    return this.#cacheOf(await this.caches(), kind)?.list(namespace) ?? null
  }

  /** Resolves once what was just written is seen here. */
  async sees(written: readonly KubeObject[]): Promise<void> {
    const caches = await this.caches()
    for (const object of written) await this.#cacheOf(caches, object.kind)?.sees(object)
  }

  /** Of anything of a tenant's that has come, gone or changed. */
  onChange(listener: (tenant: TenantId) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    await this.#pulse.stop()
    for (const cache of Object.values(this.#caches ?? {})) await cache.close()
  }

  #open(): Caches {
    const selector = `${labels.managedBy}=${ourselves},${labels.installation}=${this.#installation()}`
    const watch = <T extends KubeObject>(kind: Kind): WatchCache<T> => {
      const cache = new WatchCache<T>(this.#client, kind, selector)
      cache.onChange((object) => this.#tell(tenantOf(object)))
      return cache
    }
    const namespaces = watch<KubeObject>("Namespace")
    const watchOthers = (kind: Kind): WatchCache<KubeObject> => {
      const cache = new WatchCache<KubeObject>(this.#client, kind, `${labels.installation}!=${this.#installation()}`)
      // Its labels are not to be believed.
      cache.onChange(({ metadata }) => this.#tell(tenantOf(namespaces.get(metadata.namespace ?? ""))))
      return cache
    }
    return {
      pods: watch("Pod"),
      namespaces,
      claims: watch("PersistentVolumeClaim"),
      deployments: watch("Deployment"),
      ingresses: watch("Ingress"),
      policies: watch("NetworkPolicy"),
      quotas: watch("ResourceQuota"),
      ranges: watch("LimitRange"),
      accounts: watch("ServiceAccount"),
      services: watch("Service"),
      volumes: new WatchCache(this.#client, "PersistentVolume", ""),
      othersIngresses: watchOthers("Ingress"),
      othersPolicies: watchOthers("NetworkPolicy"),
    }
  }

  #resume(): void {
    for (const cache of Object.values(this.#caches ?? {})) cache.resume()
  }

  #tell(tenant: TenantId | null): void {
    if (tenant !== null) for (const listener of this.#listeners) listener(tenant)
  }

  #cacheOf(caches: Caches, kind: Kind): WatchCache<KubeObject> | null {
    const all: readonly WatchCache<KubeObject>[] = Object.values(caches)
    const others = [caches.othersIngresses, caches.othersPolicies]
    return all.find((cache) => cache.kind === kind && !others.includes(cache)) ?? null
  }
}
