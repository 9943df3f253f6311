/** Leads hosts to tenants: one map of nginx for all hosts, and a page in place of a tenant that nobody is to reach. */
import { existsSync } from "node:fs"
import { readdir, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { z } from "zod"
import { PermanentError, RetryableError } from "../domain/errors.ts"
import type { RouteState, SeenRoute } from "../domain/plan.ts"
import type { TenantHost, TenantId } from "../domain/tenant.ts"
import type { Fence, Router } from "../drivers/driver.ts"
import { hostsMap } from "./hosts-map.ts"
import { Nginx, type NginxOptions, replace } from "./nginx.ts"
import { pageOf, stateOf } from "./pages.ts"

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

const lockSeconds = 15

export class NginxRouter implements Router<Upstream> {
  readonly #nginx: Nginx
  readonly #folder: string
  readonly #guard: (fence: Fence) => Promise<void>

  constructor(options: NginxRouterOptions) {
    this.#nginx = new Nginx(options)
    this.#folder = options.folder
    this.#guard = options.guard
  }

  /** Starts nginx; the master is shown through it from the first moment. */
  async start(): Promise<void> {
    await this.#nginx.ensure()
  }

  async apply(fence: Fence, upstream: Upstream, hosts: readonly TenantHost[], state: RouteState): Promise<void> {
    await this.#nginx.ensure()
    const names = hosts.map(({ name }) => name)
    const before = await this.#read(fence.tenant)
    // The page first: who is to see a reason must not see the tenant meanwhile.
    await this.#guard(fence)
    await this.#showPage(upstream.host, pageOf(state))
    const route: Route = { address: upstream.host, port: upstream.port, hosts: names }
    await this.#change(async () => {
      await this.#refuseTaken(fence.tenant, names)
      await this.#guard(fence)
      await replace(this.#file(fence.tenant), JSON.stringify(route))
    })
    for (const name of names) await this.#nginx.serves(name, `${upstream.host}:${upstream.port}`)
    for (const name of before?.hosts ?? []) if (!names.includes(name)) await this.#nginx.serves(name, "")
  }

  async observe(tenant: TenantId): Promise<SeenRoute> {
    const route = await this.#read(tenant)
    if (route === null) return { hosts: [], state: { kind: "none" } }
    // What was killed between its two halves is done again.
    for (const host of route.hosts) {
      const served = await this.#nginx.upstreamOf(host).catch(() => "")
      if (served !== `${route.address}:${route.port}`) return { hosts: [], state: { kind: "maintenance" } }
    }
    const text = await readFile(this.#page(route.address), "utf8").catch(missingIsNull)
    if (text === null) return { hosts: route.hosts, state: { kind: "up" } }
    return { hosts: route.hosts, state: stateOf(text) ?? { kind: "maintenance" } }
  }

  async remove(fence: Fence): Promise<void> {
    const route = await this.#read(fence.tenant)
    if (route === null) return
    await this.#nginx.ensure()
    await this.#change(async () => {
      await this.#guard(fence)
      await rm(this.#file(fence.tenant), { force: true })
    })
    for (const name of route.hosts) await this.#nginx.serves(name, "")
    await rm(this.#page(route.address), { force: true })
  }

  /** Changes the map under a lock; nginx goes on with the old one where it would not take the new. */
  async #change(act: () => Promise<void>): Promise<void> {
    await locked(join(this.#folder, "map.lock"), async () => {
      await act()
      const path = join(this.#folder, "hosts.map")
      const before = await readFile(path, "utf8").catch(missingIsNull)
      const text = hostsMap(await this.#entries())
      if (text === before) return
      await replace(path, text)
      try {
        await this.#nginx.test()
      } catch (error) {
        await replace(path, before ?? "")
        throw error
      }
    })
    await this.#nginx.reload()
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

  async #showPage(address: string, html: string | null): Promise<void> {
    if (html === null) await rm(this.#page(address), { force: true })
    else await replace(this.#page(address), html)
  }

  #file(tenant: TenantId): string {
    return join(this.#folder, "hosts.d", `${tenant}.json`)
  }

  #page(address: string): string {
    return join(this.#folder, "pages", `${address}.html`)
  }
}

/** Between sidecars on one machine. The file names its owner, and one whose owner is dead is nobody's. */
async function locked<T>(path: string, work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + lockSeconds * 1000
  for (;;) {
    try {
      await writeFile(path, String(process.pid), { flag: "wx", mode: 0o600 })
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
    }
    const owner = await readFile(path, "utf8").catch(missingIsNull)
    if (owner !== null && owner !== "" && !existsSync(`/proc/${owner}`)) await rm(path, { force: true })
    else if (Date.now() > deadline) throw new RetryableError(`Another sidecar holds ${path}.`)
    else await pause(10)
  }
  try {
    return await work()
  } finally {
    await rm(path, { force: true })
  }
}

function missingIsNull(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null
  throw error
}
