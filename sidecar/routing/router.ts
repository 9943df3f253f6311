/** Leads hosts to tenants: one map of nginx for all hosts, and a page in place of a tenant that nobody is to reach. */
import { readdir, readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { z } from "zod"
import { PermanentError } from "../domain/errors.ts"
import type { RouteState, SeenRoute } from "../domain/plan.ts"
import type { TenantHost, TenantId } from "../domain/tenant.ts"
import type { Fence, Router } from "../drivers/driver.ts"
import { locked } from "./file-lock.ts"
import { refuseNoHost } from "./host-name.ts"
import { hostsMap } from "./hosts-map.ts"
import { Nginx, type NginxOptions, replace } from "./nginx.ts"
import { pageFile, pageOf, stateOf } from "./pages.ts"

/** Where an Odoo listens. */
export interface Upstream {
  readonly host: string
  readonly port: number
}

export interface NginxRouterOptions extends NginxOptions {
  /** Throws `StaleEpoch` where a younger claim has been at work. */
  readonly guard: (fence: Fence) => Promise<void>
}

const routeSchema = z.object({ address: z.string(), port: z.number(), hosts: z.array(z.string()) })
type Route = z.infer<typeof routeSchema>

export class NginxRouter implements Router<Upstream> {
  readonly #nginx: Nginx
  readonly #folder: string
  readonly #masterHost: string
  readonly #guard: (fence: Fence) => Promise<void>

  constructor(options: NginxRouterOptions) {
    this.#nginx = new Nginx(options)
    this.#folder = options.folder
    this.#masterHost = options.masterHost
    this.#guard = options.guard
  }

  /** Starts nginx; the master is shown through it from the first moment. */
  async start(): Promise<void> {
    await this.#nginx.ensure()
  }

  async apply(fence: Fence, upstream: Upstream, hosts: readonly TenantHost[], state: RouteState): Promise<void> {
    const names = hosts.map(({ name }) => name)
    const before = await this.#read(fence.tenant)
    this.#refuseUnroutable(names, before?.hosts ?? [])
    await this.#nginx.ensure()
    // The page first: who is to see a reason must not see the tenant meanwhile.
    await this.#guard(fence)
    await this.#showPage(upstream.host, pageOf(state))
    const route: Route = { address: upstream.host, port: upstream.port, hosts: names }
    await this.#change(fence, async () => {
      await this.#refuseTaken(fence.tenant, names)
      await replace(this.#file(fence.tenant), JSON.stringify(route))
    })
    for (const name of names) await this.#nginx.serves(name, `${upstream.host}:${upstream.port}`)
    for (const name of before?.hosts ?? []) if (!names.includes(name)) await this.#nginx.serves(name, "")
  }

  async observe(tenant: TenantId): Promise<SeenRoute> {
    const route = await this.#read(tenant)
    if (route === null) return { hosts: [], state: { kind: "none" } }
    // What was killed between its two halves is done again.
    if (!(await this.#isServed(tenant))) return { hosts: [], state: { kind: "maintenance" } }
    const text = await readFile(this.#page(route.address), "utf8").catch(missingIsNull)
    if (text === null) return { hosts: route.hosts, state: { kind: "up" } }
    return { hosts: route.hosts, state: stateOf(text) ?? { kind: "maintenance" } }
  }

  async remove(fence: Fence): Promise<void> {
    await this.#nginx.ensure()
    const route = await this.#read(fence.tenant)
    if (route !== null) {
      // While its hosts lead nowhere, the tenant is still known: one that is killed here goes on below.
      await this.#change(fence, () => replace(this.#file(fence.tenant), JSON.stringify({ ...route, hosts: [] })))
      for (const name of route.hosts) await this.#nginx.serves(name, "")
      await rm(this.#page(route.address), { force: true })
      await this.#guard(fence)
      await rm(this.#file(fence.tenant), { force: true })
    }
  }

  /** Changes a tenant's hosts and the map under a lock; where nginx would not take the map, both are as before. */
  async #change(fence: Fence, act: () => Promise<void>): Promise<void> {
    const file = this.#file(fence.tenant)
    const path = join(this.#folder, "hosts.map")
    const changed = await locked(join(this.#folder, "map.lock"), async () => {
      await this.#guard(fence)
      const hostsBefore = await readFile(file, "utf8").catch(missingIsNull)
      const mapBefore = (await readFile(path, "utf8").catch(missingIsNull)) ?? ""
      await act()
      const map = hostsMap(await this.#entries())
      if (map === mapBefore) return false
      await replace(path, map)
      try {
        await this.#nginx.test()
      } catch (error) {
        await replace(path, mapBefore)
        if (hostsBefore === null) await rm(file, { force: true })
        else await replace(file, hostsBefore)
        throw error
      }
      return true
    })
    // A map that was written by somebody who was killed before the reload is taken up here as well.
    if (changed || !(await this.#isServed(fence.tenant))) await this.#nginx.reload()
  }

  async #isServed(tenant: TenantId): Promise<boolean> {
    const route = await this.#read(tenant)
    if (route === null) return true
    // Workers whose master was killed answer too, and follow no change.
    if (!this.#nginx.isRunning()) return false
    const wanted = `${route.address}:${route.port}`
    const served = await Promise.all(route.hosts.map((host) => this.#nginx.upstreamOf(host).catch(() => "")))
    return served.every((upstream) => upstream === wanted)
  }

  /** What leads to the tenant already is let be: a deletion comes by here, too. */
  #refuseUnroutable(names: readonly string[], routed: readonly string[]): void {
    for (const name of names) {
      if (!routed.includes(name)) refuseNoHost(name)
      if (name === this.#masterHost) {
        throw new PermanentError(`The address ${name} leads to the master. Give the tenant another address.`)
      }
    }
  }

  async #entries(): Promise<{ host: string; upstream: string }[]> {
    const routes = await this.#all()
    return routes.flatMap(([, { address, port, hosts }]) =>
      hosts.map((host) => ({ host, upstream: `${address}:${port}` })),
    )
  }

  async #refuseTaken(tenant: TenantId, names: readonly string[]): Promise<void> {
    for (const [other, route] of await this.#all()) {
      const taken = other === tenant ? undefined : route.hosts.find((host) => names.includes(host))
      if (taken)
        throw new PermanentError(`The address ${taken} leads to another tenant (${other}). Choose another one.`)
    }
  }

  async #all(): Promise<[TenantId, Route][]> {
    const files = (await readdir(join(this.#folder, "hosts.d"))).filter((name) => name.endsWith(".json"))
    const tenants = files.map((name) => name.slice(0, -".json".length))
    const routes = await Promise.all(tenants.map(async (tenant) => [tenant, await this.#read(tenant)] as const))
    return routes.flatMap(([tenant, route]) => (route === null ? [] : [[tenant, route] as [TenantId, Route]]))
  }

  async #read(tenant: TenantId): Promise<Route | null> {
    const text = await readFile(this.#file(tenant), "utf8").catch(missingIsNull)
    return text === null ? null : routeSchema.parse(JSON.parse(text))
  }

  async #showPage(address: string, page: ReturnType<typeof pageOf>): Promise<void> {
    if (page === null) await rm(this.#page(address), { force: true })
    else await replace(this.#page(address), pageFile(page), 0o644)
  }

  #file(tenant: TenantId): string {
    return join(this.#folder, "hosts.d", `${tenant}.json`)
  }

  #page(address: string): string {
    return join(this.#folder, "pages", `${address}.html`)
  }
}

function missingIsNull(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null
  throw error
}
