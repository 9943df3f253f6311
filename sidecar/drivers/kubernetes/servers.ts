/** Database servers of a cluster's tenants: shared ones somewhere else, and a tenant's own in its namespace. */
import { Fencing } from "../../databases/fence.ts"
import { Operator } from "../../databases/operator.ts"
import { scramVerifier } from "../../databases/scram.ts"
import type { DatabaseServer, Home, SharedServer } from "../../databases/servers.ts"
import type { SharedServers } from "../../databases/shared-servers.ts"
import { RetryableError } from "../../domain/errors.ts"
import { fingerprint } from "../../domain/fingerprint.ts"
import { derive, type RootKey } from "../../domain/keys.ts"
import type { SeenServer } from "../../domain/plan.ts"
import type { TenantId, TenantSpec } from "../../domain/tenant.ts"
import type { DatabaseServers, Fence } from "../driver.ts"
import type { Writer } from "./apply.ts"
import type { Client } from "./client.ts"
import { isReady, type KubeEvent, type Pod, problemOf, warnings } from "./explain.ts"
import { bounds } from "./files.ts"
import { namespace } from "./objects/namespace.ts"
import { annotations, type Kind, labels } from "./objects/object.ts"
import {
  connectionsOf,
  type PostgresBuilder,
  type PostgresParts,
  postgres,
  postgresClaim,
  postgresName,
  postgresPort,
  postgresResources,
} from "./objects/postgres.ts"
import { namespaceOf } from "./place.ts"
import type { KubernetesSettings } from "./settings.ts"
import type { Volumes } from "./volumes.ts"
import type { Watched } from "./watched.ts"

export interface DedicatedServersOptions {
  readonly client: Client
  readonly writer: Writer
  readonly watched: Watched
  readonly settings: KubernetesSettings
  readonly root: RootKey
  readonly volumes: Volumes
  readonly build?: PostgresBuilder
}

const startSeconds = 180
const operatorName = "saas_operator"

export class KubernetesServers implements DatabaseServers {
  readonly #shared: SharedServers
  readonly #dedicated: DedicatedServers
  readonly #canMake: boolean

  constructor(shared: SharedServers, dedicated: DedicatedServers, canMake: boolean) {
    this.#shared = shared
    this.#dedicated = dedicated
    this.#canMake = canMake
  }

  async observe(spec: TenantSpec): Promise<SeenServer> {
    return spec.database === "shared" ? await this.#shared.observe(spec) : await this.#dedicated.observe(spec)
  }

  async ensure(spec: TenantSpec, fence: Fence): Promise<void> {
    if (spec.database === "dedicated" && this.#canMake) await this.#dedicated.ensure(spec, fence)
    else await this.#shared.ensure(spec)
  }

  async remove(spec: TenantSpec, fence: Fence): Promise<void> {
    if (spec.database === "dedicated") await this.#dedicated.remove(fence)
  }

  describe(): ReturnType<SharedServers["describe"]> {
    return this.#shared.describe()
  }
}

export class DedicatedServers {
  readonly #options: DedicatedServersOptions
  /** Of the pods that were there last: a new pod has a new address. */
  readonly #known = new Map<TenantId, DatabaseServer & { readonly pod: string }>()

  constructor(options: DedicatedServersOptions) {
    this.#options = options
  }

  async observe(spec: TenantSpec): Promise<SeenServer> {
    const { watched, volumes } = this.#options
    const { claims } = await watched.caches()
    const namespace = this.#namespace(spec.id)
    const pod = await this.#pod(spec.id)
    if (pod && isReady(pod) && pod.metadata.annotations?.[annotations.fingerprint] === this.#fingerprint(spec)) {
      return { state: "ready" }
    }
    // Where the claim is, or the volume of one that somebody removed, there may be data: it is only asleep.
    const hasData = claims.get(postgresClaim, namespace) !== null || (await volumes.isLeft(namespace, postgresClaim))
    return { state: pod !== null || hasData ? "starting" : "absent" }
  }

  /** Resolves once it serves. */
  async ensure(spec: TenantSpec, fence: Fence): Promise<void> {
    const { writer, watched, settings, volumes, build = postgres } = this.#options
    const { namespaces, claims, pods } = await watched.caches()
    const owner = writer.owner(fence)
    const name = this.#namespace(spec.id)
    await namespaces.sees(await writer.apply(fence, namespace(owner, name)))
    const objects = build(owner, name, {
      image: settings.databaseImage ?? "",
      limits: spec.limits,
      storageClass: settings.storageClass,
      volume: await this.#volume(name, fence),
      operatorVerifier: this.#verifier(spec.id),
      fingerprint: this.#fingerprint(spec),
    })
    for (const object of [...bounds(owner, name, spec, settings), ...objects]) {
      const made = await writer.apply(fence, object)
      if (made.kind === "PersistentVolumeClaim") await claims.sees(made)
    }
    const isUp = () => {
      const pod = this.#newest(pods.list(name))
      return (
        pod !== null && isReady(pod) && pod.metadata.annotations?.[annotations.fingerprint] === this.#fingerprint(spec)
      )
    }
    if (!(await pods.until(isUp, startSeconds, fence.signal)))
      throw new RetryableError(`The tenant's own database server does not start. ${await this.#why(spec.id)}`)
    const volume = await volumes.of(claims.get(postgresClaim, name))
    if (volume) await volumes.keep(fence, volume)
  }

  /** Nothing of a claim that is there can be changed; a new one gets the volume that a removed one has left. */
  async #volume(namespace: string, fence: Fence): Promise<PostgresParts["volume"]> {
    const { watched, volumes } = this.#options
    const there = (await watched.caches()).claims.get(postgresClaim, namespace)
    if (there) {
      const { volumeName, storageClassName, resources } = there.spec
      return { ...(volumeName ? { volumeName } : {}), storageClassName, resources } as PostgresParts["volume"]
    }
    const left = await volumes.left(fence, namespace, postgresClaim)
    return left === null
      ? undefined
      : { volumeName: left.metadata.name, storageClassName: left.spec.storageClassName ?? "" }
  }

  /** With all its data. */
  async remove(fence: Fence): Promise<void> {
    const { writer, watched, volumes } = this.#options
    const { claims, pods } = await watched.caches()
    const namespace = this.#namespace(fence.tenant)
    const kinds: readonly Kind[] = ["StatefulSet", "Service", "Secret"]
    for (const kind of kinds) await writer.remove(fence, { kind, name: postgresName, namespace })
    if (!(await pods.until(() => this.#newest(pods.list(namespace)) === null, startSeconds, fence.signal))) {
      throw new RetryableError(`The tenant's own database server does not end. ${await this.#why(fence.tenant)}`)
    }
    const volume = await volumes.of(claims.get(postgresClaim, namespace))
    if (volume) await volumes.release(fence, volume)
    const claim = { kind: "PersistentVolumeClaim", name: postgresClaim, namespace } as const
    await writer.remove(fence, claim, { awaitGone: true })
    await claims.until(() => claims.get(postgresClaim, namespace) === null, 5, fence.signal)
    await this.#forget(fence.tenant)
  }

  /** Its operator, and its own fence: what the shared server has refused is refused here, too. */
  async find({ id }: Home, shared: SharedServer): Promise<DatabaseServer> {
    const pod = await this.#pod(id)
    const host = pod && isReady(pod) ? pod.status?.podIP : undefined
    if (!pod || !host) throw new RetryableError(`The tenant's own database server is not up. ${await this.#why(id)}`)
    const uid = `${pod.metadata.uid} ${host}`
    const known = this.#known.get(id)
    if (known?.pod === uid) return known
    await this.#forget(id)
    const operator = new Operator({
      host,
      port: postgresPort,
      user: operatorName,
      password: this.#password(id),
      database: operatorName,
      // It is in the cluster's own network and has no certificate, whatever the shared servers have.
      ssl: false,
    })
    const found = { operator, fencing: new Fencing(operator, shared.fencing), pod: uid }
    this.#known.set(id, found)
    return found
  }

  async close(): Promise<void> {
    for (const tenant of [...this.#known.keys()]) await this.#forget(tenant)
  }

  async #forget(tenant: TenantId): Promise<void> {
    const known = this.#known.get(tenant)
    this.#known.delete(tenant)
    await known?.operator.close()
  }

  async #pod(tenant: TenantId): Promise<Pod | null> {
    const { pods } = await this.#options.watched.caches()
    return this.#newest(pods.list(this.#namespace(tenant)))
  }

  #newest(pods: readonly Pod[]): Pod | null {
    return pods.filter(({ metadata }) => metadata.labels?.[labels.part] === postgresName).at(-1) ?? null
  }

  async #why(tenant: TenantId): Promise<string> {
    const { client } = this.#options
    const namespace = this.#namespace(tenant)
    const pod = await this.#pod(tenant)
    const { items } = await client.list<KubeEvent>("Event", namespace)
    const said = pod ? await client.logs(namespace, pod.metadata.name, postgresName, 5) : ""
    const words = [problemOf(null, pod, Date.now()), ...warnings(items), said.trimEnd()]
    return words.filter((text) => text !== "").join("\n")
  }

  #fingerprint({ limits }: TenantSpec): string {
    const { databaseImage } = this.#options.settings
    return fingerprint({ databaseImage, connections: connectionsOf(limits), resources: postgresResources })
  }

  #password(tenant: TenantId): string {
    return derive(this.#options.root, `server-password/1/${tenant}`, 24).toString("base64url")
  }

  /** The same every time, so that an object that nothing has changed stays as it is. */
  #verifier(tenant: TenantId): string {
    return scramVerifier(this.#password(tenant), derive(this.#options.root, `server-salt/1/${tenant}`, 16))
  }

  #namespace(tenant: TenantId): string {
    return namespaceOf(this.#options.settings.prefix, tenant)
  }
}
