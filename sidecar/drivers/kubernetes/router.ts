/** Hosts lead to a tenant by its Ingress, or to a page of ours in its place. */
import { setTimeout as pause } from "node:timers/promises"
import { PermanentError, RetryableError } from "../../domain/errors.ts"
import { fingerprint } from "../../domain/fingerprint.ts"
import type { RouteState, SeenRoute } from "../../domain/plan.ts"
import type { TenantHost, TenantId, TenantSpec } from "../../domain/tenant.ts"
import { refuseNoHost } from "../../routing/host-name.ts"
import type { Fence, Files, Router } from "../driver.ts"
import type { Writer } from "./apply.ts"
import { askEach, type Seen } from "./controller.ts"
import { driftOf } from "./drift.ts"
import type { ServiceEndpoint } from "./endpoint.ts"
import { isReady } from "./explain.ts"
import { isOdoo } from "./files.ts"
import { fallback, type Ingress, ingress, ingressName } from "./objects/ingress.ts"
import { namespace as namespaceObject } from "./objects/namespace.ts"
import { annotations, tenantOf, withMarks } from "./objects/object.ts"
import { type Address, pagesEndpoints, pagesService } from "./objects/service.ts"
import { everyRequest, guard, middlewares } from "./objects/traefik.ts"
import { hostsOf, routeOf } from "./pages.ts"
import { namespaceOf, workshopOf } from "./place.ts"
import type { KubernetesSettings } from "./settings.ts"
import type { Watched } from "./watched.ts"

export interface RouterOptions {
  readonly writer: Writer
  readonly watched: Watched
  readonly settings: KubernetesSettings
  readonly files: Pick<Files, "observe">
  /** Whether Traefik's own kinds are there. */
  readonly hasMiddlewares: () => Promise<boolean>
}

/** An ingress controller hears of a change within moments, or something is wrong with it. */
const servedSeconds = 30
const pollMs = 50

export class KubernetesRouter implements Router<ServiceEndpoint> {
  readonly #options: RouterOptions
  #fallback: Promise<void> | null = null

  constructor(options: RouterOptions) {
    this.#options = options
  }

  async apply(fence: Fence, endpoint: ServiceEndpoint, hosts: readonly TenantHost[], state: RouteState): Promise<void> {
    const { writer, watched, settings, hasMiddlewares } = this.#options
    const { ingresses, namespaces } = await watched.caches()
    const owner = writer.owner(fence)
    const { namespace } = endpoint
    this.#refuseTaken(ingresses.list(), fence.tenant, hosts)
    const before = ingresses.get(ingressName, namespace)
    // Rules of Traefik are made of them. What leads to the tenant already is let be: a deletion comes by here, too.
    const routed = before ? hostsOf(before) : []
    for (const { name } of hosts) if (!routed.includes(name)) refuseNoHost(name)
    await this.#ensureFallback(fence)
    // One that was suspended before anything of it was made says so, too.
    if (namespaces.get(namespace) === null) {
      await namespaces.sees(await writer.apply(fence, namespaceObject(owner, namespace)))
    }
    const { ingressClass: className, https, certificates } = settings
    const hasTraefik = await hasMiddlewares()
    const isUp = state.kind === "up"
    const around = [
      pagesEndpoints(owner, namespace, settings.pages.reached),
      ...(hasTraefik ? middlewares(owner, namespace) : []),
    ]
    const mark = fingerprint(around.map(({ metadata: { name }, ...body }) => ({ name, body })))
    // What is not watched is known by what was left on the Ingress. Where something went wrong, all is written again.
    const marks = writer.marksOf(fence, await watched.find({ kind: "Ingress", name: ingressName, namespace }))
    const wanted = [pagesService(owner, namespace), ...(marks[annotations.around] === mark ? [] : around)]
    await watched.sees(await writer.applyAll(fence, wanted))
    const guarded = hasTraefik
      ? await writer.apply(fence, guard(owner, namespace, { hosts, isUp, https }), marks[annotations.guard])
      : null
    const names = hosts.map(({ name }) => name)
    const parts = { className, hosts, state, https, certificates, middlewares: hasTraefik ? everyRequest : [] }
    const left = { [annotations.around]: mark, [annotations.guard]: guarded?.metadata.resourceVersion ?? "" }
    const applied = await writer.apply(fence, withMarks(ingress(owner, namespace, parts), left))
    await watched.sees([applied])
    const gone = routed.filter((name) => !names.includes(name))
    await this.#served(ingresses.get(ingressName, namespace) ?? applied, names, state, fence.signal)
    await this.#served(applied, gone, { kind: "none" }, fence.signal)
  }

  /**
   * A namespace without files is what a deletion that was killed at the very end has left: there is a rest to remove.
   */
  async observe(tenant: TenantId): Promise<SeenRoute> {
    const { watched, settings, files } = this.#options
    const { ingresses, namespaces } = await watched.caches()
    const name = namespaceOf(settings.prefix, tenant)
    const found = ingresses.get(ingressName, name)
    if (found) return { hosts: hostsOf(found), state: routeOf(found) }
    const isRest = namespaces.get(name) !== null && (await files.observe(tenant)) === "absent"
    return { hosts: [], state: { kind: isRest ? "maintenance" : "none" } }
  }

  /** The namespace goes with the route, as the very last thing of a deletion: once the files are gone. */
  async remove(fence: Fence): Promise<void> {
    const { writer, watched, settings, files } = this.#options
    const { ingresses, namespaces } = await watched.caches()
    const namespace = namespaceOf(settings.prefix, fence.tenant)
    const found = ingresses.get(ingressName, namespace)
    await writer.remove(fence, { kind: "Ingress", name: ingressName, namespace })
    if (await this.#options.hasMiddlewares())
      await writer.remove(fence, { kind: "IngressRoute", name: "guard", namespace })
    await ingresses.until(() => ingresses.get(ingressName, namespace) === null, 10, fence.signal)
    if (found) await this.#served(found, hostsOf(found), { kind: "none" }, fence.signal)
    if ((await files.observe(fence.tenant)) !== "absent") return
    await writer.remove(fence, { kind: "Namespace", name: namespace }, { awaitGone: true })
    await namespaces.until(() => namespaces.get(namespace) === null, 10, fence.signal)
  }

  /** Once a start: it is the same for all tenants, and of no claim in particular. */
  #ensureFallback(fence: Fence): Promise<void> {
    this.#fallback ??= this.#applyFallback(fence).catch((error: unknown) => {
      this.#fallback = null
      throw error
    })
    return this.#fallback
  }

  async #applyFallback(fence: Fence): Promise<void> {
    const { writer, settings } = this.#options
    const keeper = { ...writer.owner(fence), tenant: "workshop", epoch: 0 }
    const name = workshopOf(settings.prefix)
    await writer.apply(fence, namespaceObject(keeper, name))
    await writer.apply(fence, pagesService(keeper, name))
    await writer.apply(fence, pagesEndpoints(keeper, name, settings.pages.reached))
    await writer.apply(fence, fallback(keeper, name, settings.ingressClass))
  }

  #refuseTaken(ingresses: readonly Ingress[], tenant: TenantId, hosts: readonly TenantHost[]): void {
    for (const { name } of hosts) {
      const other = ingresses.find((one) => tenantOf(one) !== tenant && hostsOf(one).includes(name))
      if (other) {
        throw new PermanentError(
          `The address ${name} leads to another tenant (${tenantOf(other)}). Take it away there first.`,
        )
      }
    }
  }

  /** "" where its hosts lead where they should, or nobody was ever sent there. */
  async drift(spec: TenantSpec): Promise<string> {
    const { writer, watched, settings, hasMiddlewares } = this.#options
    const { ingresses } = await watched.caches()
    const namespace = namespaceOf(settings.prefix, spec.id)
    const there = ingresses.get(ingressName, namespace)
    // What leads to other hosts than it should is seen to be so, and so is another state.
    if (there === null) return ""
    const hosts = hostsOf(there).map((name, index) => ({ name, primary: index === 0 }))
    const owner = writer.owner({ tenant: spec.id, epoch: 0 })
    const { ingressClass: className, https, certificates } = settings
    const middlewares = (await hasMiddlewares()) ? everyRequest : []
    const parts = { className, hosts, state: routeOf(there), https, certificates, middlewares }
    for (const wanted of [pagesService(owner, namespace), ingress(owner, namespace, parts)]) {
      const found = driftOf(wanted, await watched.seen(wanted))
      if (found) return found
    }
    return ""
  }

  /** Whether visitors of a tenant that is up are led to it by now, and are not shown that it starts. */
  async leads(tenant: TenantId): Promise<boolean> {
    const { watched, settings } = this.#options
    const { ingresses } = await watched.caches()
    const route = ingresses.get(ingressName, namespaceOf(settings.prefix, tenant))
    if (route === null || routeOf(route).kind !== "up") return true
    const [host] = hostsOf(route)
    const address = this.#addressOf(route)
    if (host === undefined || address === null) return true
    const seen = await askEach(address, host, settings.https)
    // A controller that is away says nothing about the tenant.
    return seen.every(({ status, page }) => status === 0 || (status !== 404 && page === ""))
  }

  /** null for a controller that does not say where it answers: it cannot be asked. */
  #addressOf({ status }: Ingress): Address | null {
    const [first] = status?.loadBalancer?.ingress ?? []
    const host = first?.ip ?? first?.hostname
    const { ingressAddress, https } = this.#options.settings
    return ingressAddress ?? (host ? { host, port: https ? 443 : 80 } : null)
  }

  /** Of a controller that cannot be asked: until there is somebody whom it may send visitors to. */
  async #reachable({ metadata }: Ingress, state: RouteState, signal: AbortSignal): Promise<void> {
    if (state.kind !== "up") return
    const { pods } = await this.#options.watched.caches()
    const isReachable = () => pods.list(metadata.namespace).some((pod) => isOdoo(pod) && isReady(pod))
    if (await pods.until(isReachable, servedSeconds, signal)) return
    throw new RetryableError(`The pod in ${metadata.namespace} answers, but the cluster does not call it ready.`)
  }

  /** Until every instance of the ingress controller answers for each host as it should. */
  async #served(route: Ingress, hosts: readonly string[], state: RouteState, signal: AbortSignal): Promise<void> {
    const { https } = this.#options.settings
    const address = this.#addressOf(route)
    if (address === null) return await this.#reachable(route, state, signal)
    const deadline = Date.now() + servedSeconds * 1000
    for (const host of hosts) {
      while (!(await askEach(address, host, https)).every((seen) => isServed(seen, state))) {
        if (Date.now() > deadline) {
          throw new RetryableError(
            `The ingress controller at ${address.host} does not show ${host} as it should (${state.kind}). ` +
              `Look at its log, and whether it serves the class ${this.#options.settings.ingressClass}.`,
          )
        }
        await pause(pollMs, undefined, { signal })
      }
    }
  }
}

function isServed({ status, page }: Seen, state: RouteState): boolean {
  switch (state.kind) {
    case "up":
      return page === "" && status !== 404 && status !== 0
    case "none":
      return status === 404
    default:
      return page === fingerprint(state)
  }
}
