/** A tenant's Odoo as a process of this machine, started by the holder and found again by it after a restart of ours. */
import { readFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { z } from "zod"
import type { Servers } from "../../databases/servers.ts"
import { RetryableError } from "../../domain/errors.ts"
import { fingerprint } from "../../domain/fingerprint.ts"
import { databasePassword, type RootKey } from "../../domain/keys.ts"
import { type Relay, relayFor, tenantConf } from "../../domain/odoo-conf.ts"
import type { SeenRuntime } from "../../domain/plan.ts"
import { isSocketFolder } from "../../domain/socket-folder.ts"
import type { TenantId, TenantSpec } from "../../domain/tenant.ts"
import { publicKey } from "../../domain/tokens.ts"
import type { Answer, DatabaseAddress, Fence, Runtime } from "../driver.ts"
import { call } from "../http-call.ts"
import type { Cgroups } from "./cgroups.ts"
import type { LoopbackEndpoint } from "./endpoint.ts"
import type { Firewall } from "./firewall.ts"
import type { ForkServers } from "./fork-servers.ts"
import { Health } from "./health.ts"
import { type Held, type Holder, RunsAlready } from "./holder.ts"
import type { Layout } from "./layout.ts"
import { clearLogPlace } from "./log-place.ts"
import { tail } from "./log-tail.ts"
import { addonsPaths, type OdooPlace, odooEnvironment } from "./odoo.ts"
import type { Place, Places } from "./place.ts"
import { ageOf, isAlive, type ProcessId, signal } from "./proc.ts"
import { missingIs, writeAtomically } from "./records.ts"
import type { StagedRelease } from "./release.ts"
import { Stops } from "./stops.ts"
import { TemporaryFiles } from "./temporary-files.ts"
import { TenantProcesses } from "./tenant-processes.ts"

export interface RuntimeOptions {
  readonly layout: Layout
  readonly places: Places
  readonly servers: Pick<Servers, "check" | "named">
  readonly holder: Holder
  readonly cgroups: Cgroups | null
  readonly firewall: Firewall | null
  readonly odoo: OdooPlace
  readonly release: StagedRelease
  readonly forkServers: ForkServers
  /** Name of the database that a template lies in; its fork server is called like it. */
  readonly templateOf: (spec: TenantSpec) => string
  readonly root: RootKey
  readonly relay: Relay | null
}

const startedSchema = z.object({ fingerprint: z.string(), pid: z.number(), started: z.string() })

/** The hard limit of a process that serves some hundred visitors at once. */
const openFiles = 4096
/** Of one question after the health; it waits in the kernel while Odoo starts, and asked anew it is not answered sooner. */
const healthTimeoutMs = 120_000
/** Odoo ends its threads and connections in this time. */
const stopSeconds = 15
/** What was killed is gone in moments; the kernel, or the holder on a busy machine, may come to it later. */
const goneSeconds = 60
const pollMs = 25

export class ProcessRuntime implements Runtime<LoopbackEndpoint> {
  readonly #options: RuntimeOptions
  readonly #health = new Health((tenant) => this.#isHealthy(tenant))
  /** Why the last start of a tenant was refused. */
  readonly #refusals = new Map<TenantId, string>()

  readonly #processes: TenantProcesses
  readonly #stops: Stops
  readonly #temporary: TemporaryFiles

  constructor(options: RuntimeOptions) {
    this.#options = options
    this.#processes = new TenantProcesses(options)
    this.#stops = new Stops(options.layout)
    this.#temporary = new TemporaryFiles(options.layout)
  }

  fingerprint(spec: TenantSpec): string {
    const { release, odoo } = this.#options
    const { cpuMilli, memoryMb, connections } = spec.limits
    return fingerprint({
      made: release.made,
      sources: spec.template.release.sources,
      limits: { cpuMilli, memoryMb, connections },
      relay: relayFor(spec.outgoing, this.#options.relay),
      database: this.#databaseOf(spec),
      odoo,
    })
  }

  async ensure(spec: TenantSpec, fence: Fence): Promise<LoopbackEndpoint> {
    const { layout, places, servers, holder, cgroups, firewall, odoo, release, forkServers, templateOf } = this.#options
    const forkServer = templateOf(spec)
    await servers.check(fence)
    const place = await places.take(spec.id)
    await this.#writeConf(spec, place)
    await places.setOutgoing(spec.id, spec.outgoing)
    await firewall?.apply(() => places.seats())
    const joined = (await cgroups?.ensure(spec.id, spec.limits)) ?? []
    const data = layout.data(spec.id)
    await clearLogPlace(layout.log(spec.id), [data], place.uid)
    const temporary = await this.#temporary.make(spec.id, place.uid)
    try {
      const { forked, ...process } = await holder.start({
        tenant: spec.id,
        epoch: fence.epoch,
        address: place.endpoint.host,
        port: place.endpoint.port,
        argv: [odoo.python, join(release.folder, "launch.py"), "-c", layout.conf(spec.id)],
        env: odooEnvironment(odoo, data),
        cwd: data,
        uid: place.uid,
        gid: place.uid,
        cgroups: joined,
        nofile: openFiles,
        log: layout.log(spec.id),
        temporary,
        kept: this.#needs(spec),
        fork_server: forkServer,
      })
      this.#refusals.delete(spec.id)
      // The next one need not wait so long.
      if (!forked) void forkServers.warm(forkServer)
      await writeAtomically(
        layout.started(spec.id),
        JSON.stringify({ fingerprint: this.fingerprint(spec), ...process }),
        0o600,
      )
      await this.#temporary.keepOnly(spec.id, temporary)
    } catch (error) {
      // A twin of this step was faster, or died before it could note what it had started.
      if (error instanceof RetryableError) this.#refusals.set(spec.id, error.message)
      if (!(error instanceof RunsAlready)) throw error
      await this.#temporary.discard(temporary)
    }
    return place.endpoint
  }

  async observe(tenant: TenantId): Promise<SeenRuntime> {
    const held = (await this.#options.holder.list())[tenant]
    const crashes = held ? await this.#stops.crashesOf(tenant, held) : 0
    const process = held ? processOf(held) : null
    if (!process) {
      this.#health.forget(tenant)
      // What it has left running could write, and read what comes in its place: it is to be stopped, too.
      if ((await this.#processes.of(tenant)).length > 0) return { state: "starting", fingerprint: "left over", crashes }
      const problem = this.#refusals.get(tenant)
      return { state: "stopped", fingerprint: "", crashes, ...(problem === undefined ? {} : { problem }) }
    }
    const started = await this.#readStarted(tenant)
    const isKnown = started?.pid === process.pid && started.started === process.started
    const isHealthy = await this.#health.check(tenant, `${process.pid} ${process.started}`, ageOf(process))
    return {
      state: isHealthy ? "ready" : "starting",
      fingerprint: isKnown ? started.fingerprint : "unknown",
      crashes,
    }
  }

  async endpoint(fence: Fence): Promise<LoopbackEndpoint> {
    await this.#options.servers.check(fence)
    return (await this.#options.places.take(fence.tenant)).endpoint
  }

  async request(tenant: TenantId, path: string, body: string, seconds: number): Promise<Answer> {
    const { endpoint } = await this.#options.places.get(tenant)
    try {
      return await call(endpoint, "POST", path, body, seconds * 1000)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new RetryableError(`The tenant's Odoo does not answer: ${reason}.`, { cause: error })
    }
  }

  async stop(fence: Fence, drainSeconds: number): Promise<void> {
    const { servers, holder } = this.#options
    await servers.check(fence)
    const held = (await holder.list())[fence.tenant]
    const process = held ? processOf(held) : null
    if (process) await this.#stopProcess(process, fence, drainSeconds)
    await servers.check(fence)
    await this.#processes.endAll(fence.tenant)
    // One that is held for its storage would not start anew, which is when they are removed otherwise.
    await this.#temporary.keepOnly(fence.tenant, null)
    if (process) await this.#exitNoted(fence.tenant, process)
  }

  async #stopProcess(process: ProcessId, fence: Fence, drainSeconds: number): Promise<void> {
    const { servers } = this.#options
    await servers.check(fence)
    // It takes no more requests then, and ends when those that it has are answered (runtime/servers).
    if (isAlive(process)) signal(process.pid, "SIGTERM")
    if (!(await ended(process, drainSeconds + stopSeconds))) {
      await servers.check(fence)
      if (isAlive(process)) signal(process.pid, "SIGKILL")
      await ended(process, goneSeconds)
    }
    // What it had started itself and what stayed in its group, such as a wkhtmltopdf.
    signal(-process.pid, "SIGKILL")
  }

  /** Until the holder knows of the end too; an end that was our own doing is not to count as a crash. */
  async #exitNoted(tenant: TenantId, process: ProcessId): Promise<void> {
    const deadline = Date.now() + goneSeconds * 1000
    for (;;) {
      const held = (await this.#options.holder.list())[tenant]
      const last = held?.exits.at(-1)
      if (!held || processOf(held)?.pid !== process.pid) {
        if (last) await this.#stops.note(tenant, last.at)
        return
      }
      if (Date.now() > deadline) throw new RetryableError(`Process ${process.pid} of ${tenant} does not end.`)
      await pause(pollMs)
    }
  }

  async remove(fence: Fence): Promise<void> {
    const { servers, holder, cgroups } = this.#options
    await servers.check(fence)
    await this.#processes.endAll(fence.tenant)
    this.#refusals.delete(fence.tenant)
    await holder.release(fence.tenant, fence.epoch)
    await cgroups?.remove(fence.tenant)
  }

  async logs(tenant: TenantId, lines: number): Promise<string> {
    return await tail(this.#options.layout.log(tenant), lines)
  }

  async #writeConf(spec: TenantSpec, place: Place): Promise<void> {
    const { layout, odoo, release, root } = this.#options
    const database = this.#databaseOf(spec)
    const text = tenantConf({
      tenant: spec.id,
      publicKey: publicKey(root),
      database: spec.id,
      databaseHost: database.host,
      databasePort: database.port,
      role: spec.id,
      password: databasePassword(root, spec.id),
      addonsPath: [...spec.template.release.sources, ...addonsPaths(odoo), join(release.folder, "addons")],
      dataDir: layout.data(spec.id),
      relay: relayFor(spec.outgoing, this.#options.relay),
      interface: place.endpoint.host,
      address: place.endpoint.host,
      port: place.endpoint.port,
      limits: spec.limits,
      // The holder hands its socket to one process, in which everything else is for threads, too.
      workers: null,
    })
    // Ours, readable for the tenant: who can write it could name another key than the operator's.
    await writeAtomically(layout.conf(spec.id), text, 0o640, place.uid)
  }

  /** Folders that it reads or writes, and where a server that is no port waits for it. */
  #needs(spec: TenantSpec): string[] {
    const { layout, odoo, release } = this.#options
    const { host } = this.#databaseOf(spec)
    return [
      layout.tenant(spec.id),
      release.folder,
      ...spec.template.release.sources,
      odoo.packages,
      ...odoo.addons,
      dirname(dirname(odoo.python)),
      ...(isSocketFolder(host) ? [host] : []),
    ]
  }

  #databaseOf(spec: TenantSpec): DatabaseAddress {
    return this.#options.servers.named(spec.server).address
  }

  async #readStarted(tenant: TenantId): Promise<z.infer<typeof startedSchema> | null> {
    const text = await readFile(this.#options.layout.started(tenant), "utf8").catch(missingIs(""))
    return text ? startedSchema.parse(JSON.parse(text)) : null
  }

  async #isHealthy(tenant: TenantId): Promise<boolean> {
    const place = await this.#options.places.find(tenant)
    if (!place) return false
    const path = "/web/health?db_server_status=1"
    return await call(place.endpoint, "GET", path, "", healthTimeoutMs).then(
      ({ status }) => status === 200,
      // Not yet, or not any more: that is what was asked.
      () => false,
    )
  }
}

function processOf(held: Held): ProcessId | null {
  return held.running && held.pid !== null && held.started !== null ? { pid: held.pid, started: held.started } : null
}

async function ended(process: ProcessId, seconds: number): Promise<boolean> {
  const deadline = Date.now() + seconds * 1000
  while (isAlive(process)) {
    if (Date.now() > deadline) return false
    await pause(pollMs)
  }
  return true
}
