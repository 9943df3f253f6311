/** The watch caches of one target, opened with the first question: until then nobody knows whose objects to watch. */
import type { TenantId } from "../../domain/tenant.ts"
import { WatchCache } from "./cache.ts"
import type { Client } from "./client.ts"
import type { Pod } from "./explain.ts"
import type { Claim } from "./objects/claim.ts"
import type { Deployment } from "./objects/deployment.ts"
import type { Ingress } from "./objects/ingress.ts"
import { type KubeObject, labels, ourselves, tenantOf } from "./objects/object.ts"

export interface Caches {
  readonly namespaces: WatchCache<KubeObject>
  readonly claims: WatchCache<Claim>
  readonly deployments: WatchCache<Deployment>
  readonly pods: WatchCache<Pod>
  readonly ingresses: WatchCache<Ingress>
}

export class Watched {
  readonly #client: Client
  readonly #installation: () => string
  #caches: Caches | null = null
  readonly #listeners = new Set<(tenant: TenantId) => void>()

  constructor(client: Client, installation: () => string) {
    this.#client = client
    this.#installation = installation
  }

  /** Resolves once each of them has seen everything. */
  async caches(): Promise<Caches> {
    this.#caches ??= this.#open()
    for (const cache of Object.values(this.#caches)) await cache.ready()
    return this.#caches
  }

  /** Of pods that have come, gone or changed. */
  onPod(listener: (tenant: TenantId) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    for (const cache of Object.values(this.#caches ?? {})) await cache.close()
  }

  #open(): Caches {
    const selector = `${labels.managedBy}=${ourselves},${labels.installation}=${this.#installation()}`
    const pods = new WatchCache<Pod>(this.#client, "Pod", selector)
    pods.onChange((pod) => {
      const tenant = tenantOf(pod)
      if (tenant !== null) for (const listener of this.#listeners) listener(tenant)
    })
    return {
      pods,
      namespaces: new WatchCache(this.#client, "Namespace", selector),
      claims: new WatchCache(this.#client, "PersistentVolumeClaim", selector),
      deployments: new WatchCache(this.#client, "Deployment", selector),
      ingresses: new WatchCache(this.#client, "Ingress", selector),
    }
  }
}
