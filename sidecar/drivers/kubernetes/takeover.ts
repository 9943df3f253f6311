/**
 * A claim that follows one whose end nobody knows: a write of that one may be on its way, by a version that it looked at
 * while it still could. Kubernetes writes one object at a time, so each that is there gets another version now, with the
 * younger claim's epoch on it. It is asked for at the API server: a cache may not have heard of the last write.
 */
import type { TenantId } from "../../domain/tenant.ts"
import type { Before, Fence } from "../driver.ts"
import { allAnswered, type Writer } from "./apply.ts"
import type { Client, Where } from "./client.ts"
import { annotations, epochOf, inventorySelector, type Kind, type KubeObject } from "./objects/object.ts"
import { packerName } from "./objects/packer.ts"
import { postgresName } from "./objects/postgres.ts"
import { confSecret } from "./objects/secret.ts"
import { pagesName } from "./objects/service.ts"
import { traefikNames } from "./objects/traefik.ts"
import type { Volumes } from "./volumes.ts"
import type { Watched } from "./watched.ts"

export interface TakeOverOptions {
  readonly client: Client
  readonly writer: Writer
  readonly watched: Watched
  readonly volumes: Volumes
  readonly namespaceOf: (tenant: TenantId) => string
  /** Whether Traefik's own kinds are there. */
  readonly hasTraefik: () => Promise<boolean>
}

const listed: readonly Kind[] = [
  "ResourceQuota",
  "LimitRange",
  "ServiceAccount",
  "NetworkPolicy",
  "PersistentVolumeClaim",
  "Service",
  "Deployment",
  "Ingress",
]

/** One of each, or none. Nobody may list all secrets, and of these there is no other. */
const named: readonly Omit<Where, "namespace">[] = [
  { kind: "Secret", name: confSecret },
  { kind: "EndpointSlice", name: pagesName },
  { kind: "Pod", name: packerName },
  ...(["Secret", "StatefulSet"] as const).map((kind) => ({ kind, name: postgresName })),
]

export class TakeOver {
  readonly #options: TakeOverOptions

  constructor(options: TakeOverOptions) {
    this.#options = options
  }

  /** Resolves once everything is seen as it is now. */
  async begin(fence: Fence, before: Before): Promise<void> {
    const { client, writer, watched, volumes, namespaceOf, hasTraefik } = this.#options
    writer.begin(fence, before)
    if (before === "ended") return
    const namespace = namespaceOf(fence.tenant)
    await volumes.takeOver(fence, namespace)
    const place = await client.get<KubeObject>({ kind: "Namespace", name: namespace })
    // What is in one that is going goes with it, whoever still writes to it: there is nothing to guard, and who holds it
    // is told by the step that waits for it.
    if (place === null || place.metadata.deletionTimestamp) return
    const selector = inventorySelector(writer.owner(fence))
    const lists = await Promise.all(
      listed.map((kind) => client.list<KubeObject>(kind, namespace, selector).then(wheresOf(kind, fence))),
    )
    const unlisted = [...named, ...((await hasTraefik()) ? traefikNames : [])].map((one) => ({ ...one, namespace }))
    const all = [{ kind: "Namespace", name: namespace } as const, ...lists.flat(), ...unlisted]
    const written = await allAnswered(all.map((where) => writer.change<KubeObject>(fence, where, {})))
    await watched.sees(written.filter((one) => one !== null))
  }
}

/** What others have made of ours (a Service's own EndpointSlice) carries our labels, but no epoch. */
function wheresOf(kind: Kind, { epoch }: Fence): (list: { readonly items: readonly KubeObject[] }) => Where[] {
  return ({ items }) =>
    items
      .filter(({ metadata }) => metadata.annotations?.[annotations.epoch] !== undefined)
      .filter((one) => epochOf({ metadata: one.metadata }) !== epoch)
      .map(({ metadata: { name, namespace } }) => ({ kind, name, namespace }))
}
