/** A tenant's Odoo as a Deployment of one pod; a stopped one has none. */
import { RetryableError } from "../../domain/errors.ts"
import { fingerprint } from "../../domain/fingerprint.ts"
import { databasePassword, type RootKey } from "../../domain/keys.ts"
import { relayFor, tenantConf } from "../../domain/odoo-conf.ts"
import { crashLoop, type SeenRuntime } from "../../domain/plan.ts"
import type { TenantId, TenantSpec } from "../../domain/tenant.ts"
import { publicKey } from "../../domain/tokens.ts"
import type { Answer, Fence, Runtime } from "../driver.ts"
import { call } from "../http-call.ts"
import { additionsTo } from "./additions.ts"
import { allAnswered, type Writer } from "./apply.ts"
import type { Client } from "./client.ts"
import { driftOf } from "./drift.ts"
import type { ServiceEndpoint } from "./endpoint.ts"
import { crashesOf, isReady, type KubeEvent, type Pod, problemOf, readySince, warnings } from "./explain.ts"
import { bounds, isOdoo } from "./files.ts"
import { type Deployment, deployment, isOurContainer, odooName, odooPort } from "./objects/deployment.ts"
import { annotations, withMarks } from "./objects/object.ts"
import { places } from "./objects/pod.ts"
import { readyPath } from "./objects/probes.ts"
import { confSecret, secret } from "./objects/secret.ts"
import { odooService } from "./objects/service.ts"
import { websocketPort } from "./objects/websocket.ts"
import { namespaceOf } from "./place.ts"
import { reachOf } from "./reach.ts"
import type { KubernetesSettings } from "./settings.ts"
import type { Watched } from "./watched.ts"

export interface RuntimeOptions {
  readonly client: Client
  readonly writer: Writer
  readonly watched: Watched
  readonly settings: KubernetesSettings
  readonly root: RootKey
  /** Whether the router leads visitors to it by now. */
  readonly leads: (tenant: TenantId) => Promise<boolean>
}

/** One that serves says so at once; one that starts refuses the connection. */
const answerMs = 500
/** A router hears of a pod that got ready within moments; one that does not is the router's trouble, not the pod's. */
const heardMs = 10_000
const crashWindowMs = 600_000
/** What a stop takes beside the time for requests in flight: the diversion, Odoo's end, the kubelet's round. */
const stopSeconds = 45

export class KubernetesRuntime implements Runtime<ServiceEndpoint> {
  readonly #options: RuntimeOptions
  /** Pods that have answered before their kubelet, which asks once a second, has told so. By uid; the last one of each. */
  readonly #answered = new Map<TenantId, string>()

  constructor(options: RuntimeOptions) {
    this.#options = options
  }

  fingerprint(spec: TenantSpec): string {
    const { settings } = this.#options
    const { image } = settings
    const relay = relayFor(spec.outgoing, settings.relay)
    const database = reachOf(settings, spec).address
    const { cpuMilli, memoryMb, connections, workers } = spec.limits
    const limits = { cpuMilli, memoryMb, connections, workers }
    return fingerprint({ image, relay, database, limits, sources: spec.template.release.sources })
  }

  async ensure(spec: TenantSpec, fence: Fence): Promise<ServiceEndpoint> {
    const { writer, watched, settings } = this.#options
    const owner = writer.owner(fence)
    const name = this.#namespace(spec.id)
    const around = [...bounds(owner, name, spec, settings), odooService(owner, name, spec.limits)]
    const conf = this.#applyConf(spec, fence)
    const bounding = writer.applyAll(fence, around)
    await allAnswered<unknown>([conf, bounding])
    await watched.sees(await bounding)
    const made = withMarks(this.#deployment(owner.epoch, spec.id, spec, true), { [annotations.conf]: await conf })
    await watched.sees([await writer.apply(fence, made)])
    return await this.endpoint(fence)
  }

  /**
   * Answers what the Deployment is to say of it: its version and a fingerprint of what is in it. Nobody may watch
   * secrets, so the next claim knows it by this. Where a pod serves that has been given the same, nothing is written.
   */
  async #applyConf(spec: TenantSpec, fence: Fence): Promise<string> {
    const { writer, watched } = this.#options
    const namespace = this.#namespace(spec.id)
    const wanted = secret(writer.owner(fence), namespace, this.#conf(spec))
    const content = fingerprint(wanted.data)
    const there = (await watched.find({ kind: "Deployment", name: odooName, namespace })) as Deployment | null
    const mark = writer.marksOf(fence, there)[annotations.conf]
    const [version, before] = mark?.split(" ") ?? []
    if (mark && before === content && there?.status?.readyReplicas) return mark
    const { metadata } = await writer.apply(fence, wanted, version)
    return `${metadata.resourceVersion} ${content}`
  }

  /** "" where it is as it should be, or does not run. */
  async drift(spec: TenantSpec): Promise<string> {
    const { writer, watched } = this.#options
    const { deployments } = await watched.caches()
    const name = this.#namespace(spec.id)
    const there = deployments.get(odooName, name)
    if (!there?.spec.replicas) return ""
    const wanted = [
      odooService(writer.owner({ tenant: spec.id, epoch: 0 }), name, spec.limits),
      this.#deployment(0, spec.id, spec, true),
    ]
    for (const one of wanted) {
      const found = driftOf(one, await watched.seen(one))
      if (found) return found
    }
    return ""
  }

  /** What others have added to it, in words. */
  async additions(tenant: TenantId): Promise<string[]> {
    const { deployments, othersPolicies, othersIngresses } = await this.#options.watched.caches()
    const namespace = this.#namespace(tenant)
    return additionsTo({
      namespace,
      deployment: deployments.get(odooName, namespace),
      pod: newest(await this.#pods(tenant)),
      policies: othersPolicies.list(namespace),
      ingresses: othersIngresses.list(namespace),
    })
  }

  async observe(tenant: TenantId): Promise<SeenRuntime> {
    const { deployments } = await this.#options.watched.caches()
    const name = this.#namespace(tenant)
    const found = deployments.get(odooName, name)
    const pods = await this.#pods(tenant)
    const now = Date.now()
    if (!found || found.spec.replicas === 0) {
      return pods.length === 0
        ? { state: "stopped", fingerprint: "", crashes: 0 }
        : { state: "starting", fingerprint: "ending", crashes: 0 }
    }
    // The one that this Deployment replaces says nothing of the one that comes.
    const pod = newest(pods.filter((one) => fingerprintOf(one) === fingerprintOf(found)))
    const crashes = pod ? crashesOf(pod, now, crashWindowMs) : 0
    const seen = { fingerprint: fingerprintOf(found), crashes, replaceable: true }
    if (pod && isReady(pod)) {
      const isNew = Math.abs(now - readySince(pod)) < heardMs
      return { ...seen, state: !isNew || (await this.#options.leads(tenant)) ? "ready" : "starting" }
    }
    const problem = problemOf(found, pod, now)
    // One that visitors are led to already is ready once they meet it.
    if (pod && problem === "" && (await this.#answers(tenant, pod)) && (await this.#options.leads(tenant))) {
      return { ...seen, state: "ready" }
    }
    // The kubelet tries it again by itself, ever more seldom: for visitors it is down.
    if (crashes >= crashLoop) return { state: "stopped", fingerprint: "", crashes }
    return { ...seen, state: "starting", ...(problem ? { problem } : {}) }
  }

  async endpoint({ tenant }: Fence): Promise<ServiceEndpoint> {
    return { namespace: this.#namespace(tenant), service: odooName, port: odooPort }
  }

  async request(tenant: TenantId, path: string, body: string, seconds: number): Promise<Answer> {
    const answered = this.#answered.get(tenant)
    const pod = (await this.#pods(tenant)).find((one) => isReady(one) || one.metadata.uid === answered)
    const host = pod?.status?.podIP
    if (!host) throw new RetryableError("The tenant's Odoo does not answer: no pod of it is ready.")
    return await call({ host, port: odooPort }, "POST", path, body, seconds * 1000).catch((error: Error) => {
      throw new RetryableError(`The tenant's Odoo does not answer: ${error.message}.`, { cause: error })
    })
  }

  async stop(fence: Fence, drainSeconds: number): Promise<void> {
    const { writer, watched } = this.#options
    const { deployments, pods } = await watched.caches()
    await writer.check(fence)
    const name = this.#namespace(fence.tenant)
    const found = deployments.get(odooName, name)
    if (found && found.spec.replicas !== 0) {
      const where = { kind: "Deployment", name: odooName, namespace: name } as const
      const stopped = await writer.change<Deployment>(fence, where, { spec: { replicas: 0 } })
      if (stopped) await deployments.sees(stopped)
    }
    const isGone = () => pods.list(name).filter(isOdoo).length === 0
    if (await pods.until(isGone, drainSeconds + stopSeconds, fence.signal)) return
    throw new RetryableError(`The pod of ${fence.tenant} does not end. ${await this.logs(fence.tenant, 5)}`)
  }

  async remove(fence: Fence): Promise<void> {
    const { writer, watched } = this.#options
    const { deployments } = await watched.caches()
    const namespace = this.#namespace(fence.tenant)
    await writer.remove(fence, { kind: "Deployment", name: odooName, namespace })
    await writer.remove(fence, { kind: "Service", name: odooName, namespace })
    await writer.remove(fence, { kind: "Secret", name: confSecret, namespace })
    await deployments.until(() => deployments.get(odooName, namespace) === null, 10, fence.signal)
    this.#answered.delete(fence.tenant)
  }

  async logs(tenant: TenantId, lines: number): Promise<string> {
    const { client, watched } = this.#options
    const { deployments } = await watched.caches()
    const namespace = this.#namespace(tenant)
    const pod = newest(await this.#pods(tenant))
    if (pod && isReady(pod)) return await this.#lastWords(namespace, pod, lines)
    const problem = problemOf(deployments.get(odooName, namespace), pod, Date.now())
    const { items } = await client.list<KubeEvent>("Event", namespace)
    const said = pod ? await this.#lastWords(namespace, pod, lines) : ""
    return [problem, ...warnings(items), said].filter((text) => text !== "").join("\n")
  }

  /** Of each container, or of the one before it where that one is still dumb. */
  async #lastWords(namespace: string, { metadata, spec }: Pod, lines: number): Promise<string> {
    const { client } = this.#options
    const ours = spec.containers.filter(isOurContainer)
    const each = Math.ceil(lines / ours.length)
    const said = ours.map(async ({ name }) => {
      const now = await client.logs(namespace, metadata.name, name, each)
      return (now || (await client.logs(namespace, metadata.name, name, each, true))).trimEnd()
    })
    return (await Promise.all(said)).filter((text) => text !== "").join("\n")
  }

  /** Settings and route can be seen to while kubelet, endpoints and router find out: visitors come once they have. */
  async #answers(tenant: TenantId, { metadata, status }: Pod): Promise<boolean> {
    const isUp = status?.containerStatuses?.some(({ name, state }) => name === odooName && state?.running)
    const host = status?.podIP
    if (!host || !isUp || metadata.deletionTimestamp) return false
    const answer = await call({ host, port: odooPort }, "GET", readyPath, "", answerMs).catch(() => null)
    if (answer?.status !== 200) return false
    this.#answered.set(tenant, metadata.uid ?? "")
    return true
  }

  async #pods(tenant: TenantId): Promise<Pod[]> {
    const { pods } = await this.#options.watched.caches()
    return pods.list(this.#namespace(tenant)).filter(isOdoo)
  }

  #deployment(epoch: number, tenant: TenantId, spec: TenantSpec, running: boolean): Deployment {
    const { writer, settings } = this.#options
    return deployment(writer.owner({ tenant, epoch }), this.#namespace(tenant), {
      image: settings.image,
      limits: spec.limits,
      fingerprint: this.fingerprint(spec),
      running,
    })
  }

  #conf(spec: TenantSpec): string {
    const { root, settings } = this.#options
    const database = reachOf(settings, spec).address
    const { workers } = spec.limits
    return tenantConf({
      tenant: spec.id,
      publicKey: publicKey(root),
      database: spec.id,
      databaseHost: database.host,
      databasePort: database.port,
      role: spec.id,
      password: databasePassword(root, spec.id),
      addonsPath: [...spec.template.release.sources, ...places.odooAddons, places.addons],
      dataDir: places.filestore,
      relay: relayFor(spec.outgoing, settings.relay),
      interface: "0.0.0.0",
      address: "127.0.0.1",
      port: odooPort,
      limits: spec.limits,
      workers: workers > 0 ? { count: workers, websocketPort } : null,
    })
  }

  #namespace(tenant: TenantId): string {
    return namespaceOf(this.#options.settings.prefix, tenant)
  }
}

function newest(pods: readonly Pod[]): Pod | null {
  const alive = pods.filter(({ metadata }) => !metadata.deletionTimestamp)
  return (alive.length > 0 ? alive : pods).at(-1) ?? null
}

function fingerprintOf({ metadata }: Pod | Deployment): string {
  return metadata.annotations?.[annotations.fingerprint] ?? "unknown"
}
