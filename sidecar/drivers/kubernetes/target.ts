/** A Kubernetes cluster as a target: a tenant is a namespace of real pods. */
import { isTenantId } from "../../domain/names.ts"
import type { Drift } from "../../domain/plan.ts"
import type { TenantId, TenantSpec } from "../../domain/tenant.ts"
import type { TargetInfo } from "../../odoo/port.ts"
import type {
  Backups,
  Before,
  DatabaseServers,
  Fence,
  Files,
  FoundTenant,
  IsolationCheck,
  Router,
  Runtime,
  Stop,
  Target,
} from "../driver.ts"
import type { Client } from "./client.ts"
import type { ServiceEndpoint } from "./endpoint.ts"
import type { KubernetesFiles } from "./files.ts"
import { tenantOf } from "./objects/object.ts"
import { postgresClaim } from "./objects/postgres.ts"
import type { Pages } from "./pages.ts"
import { capacity, preflight } from "./preflight.ts"
import type { KubernetesRouter } from "./router.ts"
import type { KubernetesRuntime } from "./runtime.ts"
import type { KubernetesSettings } from "./settings.ts"
import type { TakeOver } from "./takeover.ts"
import type { Watched } from "./watched.ts"

export interface KubernetesTargetParts {
  readonly name: string
  readonly servers: DatabaseServers
  readonly runtime: KubernetesRuntime
  readonly files: KubernetesFiles
  readonly backups: Backups
  readonly router: KubernetesRouter
  readonly client: Client
  readonly watched: Watched
  readonly pages: Pages
  readonly isolation: IsolationCheck
  readonly takeOver: TakeOver
  readonly settings: KubernetesSettings
}

export class KubernetesTarget implements Target<ServiceEndpoint> {
  readonly name: string
  readonly servers: DatabaseServers
  readonly runtime: Runtime<ServiceEndpoint>
  readonly files: Files
  readonly backups: Backups
  readonly router: Router<ServiceEndpoint>
  readonly isolation: IsolationCheck
  readonly #parts: KubernetesTargetParts

  constructor(parts: KubernetesTargetParts) {
    this.#parts = parts
    this.name = parts.name
    this.servers = parts.servers
    this.runtime = parts.runtime
    this.files = parts.files
    this.backups = parts.backups
    this.router = parts.router
    this.isolation = parts.isolation
  }

  async describe(): Promise<TargetInfo> {
    const { client, settings } = this.#parts
    const common = {
      name: this.name,
      kind: "kubernetes",
      // Whether the cluster holds pods to our policies is for the check to find out.
      missingIsolation: [],
      checksIsolation: true,
      dedicatedServers: settings.databaseImage !== null,
    } as const
    try {
      const [notes, has] = await Promise.all([preflight(client, settings), capacity(client)])
      return { ...common, ready: notes.length === 0, notes, ...has }
    } catch (error) {
      const note = error instanceof Error ? error.message : String(error)
      return { ...common, ready: false, notes: [note], memoryMb: 0, cpuMilli: 0 }
    }
  }

  async takeOver(fence: Fence, before: Before): Promise<void> {
    await this.#parts.takeOver.begin(fence, before)
  }

  /** What is on its way out is nobody's any more. */
  async find(): Promise<readonly FoundTenant[]> {
    const { namespaces, claims } = await this.#parts.watched.caches()
    return namespaces.list().flatMap(({ metadata, ...namespace }) => {
      const id = tenantOf({ ...namespace, metadata })
      if (id === null || !isTenantId(id) || metadata.deletionTimestamp) return []
      return [{ id, ownServer: claims.get(postgresClaim, metadata.name) !== null }]
    })
  }

  /** The first that is found: each is put right by the step that makes it, and then the next one is looked for. */
  async drift(spec: TenantSpec): Promise<Drift | null> {
    const { files, runtime, router } = this.#parts
    for (const [part, one] of Object.entries({ files, runtime, route: router })) {
      const what = await one.drift(spec)
      if (what) return { part: part as Drift["part"], what }
    }
    return null
  }

  async additions(tenant: TenantId): Promise<readonly string[]> {
    return await this.#parts.runtime.additions(tenant)
  }

  watch(changed: (tenant: TenantId) => void): Stop {
    const stop = this.#parts.watched.onChange(changed)
    return async () => stop()
  }

  async close(): Promise<void> {
    await this.#parts.pages.close()
    await this.#parts.watched.close()
  }
}
