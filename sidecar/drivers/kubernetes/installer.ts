/** Installs the modules of a template in a Job, so that a sidecar needs no Odoo of its own. */
import { setTimeout as pause } from "node:timers/promises"
import { buildFailed, type Draft, type Installer } from "../../databases/templates.ts"
import { templateOwner } from "../../databases/tenant-databases.ts"
import { PermanentError, RetryableError } from "../../domain/errors.ts"
import { templateConf } from "../../domain/odoo-conf.ts"
import type { Fence } from "../driver.ts"
import type { Writer } from "./apply.ts"
import type { Client } from "./client.ts"
import { type KubeEvent, type Pod, problemOf, warnings } from "./explain.ts"
import { type Job, templateJob } from "./objects/job.ts"
import { namespace } from "./objects/namespace.ts"
import { networkPolicies } from "./objects/network-policies.ts"
import { labels } from "./objects/object.ts"
import { places } from "./objects/pod.ts"
import { secret } from "./objects/secret.ts"
import { serviceAccount } from "./objects/service-account.ts"
import { workshopOf } from "./place.ts"
import type { KubernetesSettings } from "./settings.ts"
import type { Watched } from "./watched.ts"

export interface InstallerOptions {
  readonly client: Client
  readonly writer: Writer
  readonly watched: Watched
  readonly settings: KubernetesSettings
}

/** A wrong module name or a broken addon is told by Odoo's last lines. */
const tellLines = 12
const pollMs = 1_000

export class JobInstaller implements Installer {
  readonly #options: InstallerOptions

  constructor(options: InstallerOptions) {
    this.#options = options
  }

  async install({ server, template, database, password, modules }: Draft, fence: Fence): Promise<void> {
    const { writer, settings } = this.#options
    const { image } = settings
    const owner = writer.owner(fence)
    const where = this.#namespace
    const name = nameOf(database)
    const conf = templateConf({
      database,
      databaseHost: server.address.host,
      databasePort: server.address.port,
      role: templateOwner,
      password,
      addonsPath: [...template.release.sources, ...places.odooAddons, places.addons],
      dataDir: places.filestore,
      relay: null,
    })
    // Shared by all builds: the workshop belongs to no claim in particular, so it carries the lowest epoch.
    const keeper = { ...owner, tenant: "workshop", epoch: 0 }
    await writer.apply(fence, namespace(keeper, where))
    const common = [
      serviceAccount(keeper, where),
      ...networkPolicies(keeper, where, {
        callers: [],
        callerNetworks: [],
        postgres: settings.databases,
        ownPostgres: false,
        certificates: false,
        mailPorts: [],
        https: false,
      }),
    ]
    for (const object of common) await writer.apply(fence, object)
    try {
      await writer.apply(fence, secret(owner, where, conf, name))
      await writer.apply(fence, templateJob(owner, where, { name, image, modules, languages: template.languages }))
      await this.#ended(name, fence)
    } finally {
      await this.forget(database, fence)
    }
  }

  async forget(draft: string, fence: Fence): Promise<void> {
    const { writer } = this.#options
    const unhurried = { ...fence, signal: new AbortController().signal }
    const where = { name: nameOf(draft), namespace: this.#namespace }
    await writer.remove(unhurried, { kind: "Job", ...where })
    await writer.remove(unhurried, { kind: "Secret", ...where })
  }

  built(): void {
    // The nodes have the image from now on; there is nothing else to warm up.
  }

  async #ended(name: string, fence: Fence): Promise<void> {
    const { client, watched } = this.#options
    const { pods } = await watched.caches()
    for (;;) {
      const job = await client.get<Job>({ kind: "Job", name, namespace: this.#namespace })
      if (job === null) throw new RetryableError("The Job that builds the template was removed; it is made anew.")
      if (job.status?.succeeded) break
      const pod = pods.list(this.#namespace).find(({ metadata }) => metadata.labels?.[labels.part] === name) ?? null
      if (job.status?.failed) throw await this.#failed(pod)
      const problem = problemOf(null, pod, Date.now())
      if (problem) throw new RetryableError(problem)
      await pause(pollMs, undefined, { signal: fence.signal })
    }
    await this.#refuseUnknown(name)
  }

  /** Odoo ends with 0 although a module is unknown: it only says so. */
  async #refuseUnknown(name: string): Promise<void> {
    const { client, watched } = this.#options
    const { pods } = await watched.caches()
    const pod = pods.list(this.#namespace).find(({ metadata }) => metadata.labels?.[labels.part] === name)
    const log = pod ? await client.logs(this.#namespace, pod.metadata.name, "install", 5_000) : ""
    const unknown = /invalid module names, ignored: (.*)/.exec(log)?.[1]
    if (unknown) throw new PermanentError(`The plan asks for apps that this Odoo does not have: ${unknown}.`)
  }

  async #failed(pod: Pod | null): Promise<Error> {
    const { client } = this.#options
    if (pod === null) {
      const { items } = await client.list<KubeEvent>("Event", this.#namespace)
      return new PermanentError(`The template could not be built. ${warnings(items).join("\n")}`)
    }
    const { name } = pod.metadata
    const finish = await client.logs(this.#namespace, name, "finish", tellLines)
    const words = finish || (await client.logs(this.#namespace, name, "install", tellLines))
    return buildFailed(words.trimEnd())
  }

  get #namespace(): string {
    return workshopOf(this.#options.settings.prefix)
  }
}

/** Databases may have names that objects may not. */
function nameOf(draft: string): string {
  return draft.replaceAll("_", "-")
}
