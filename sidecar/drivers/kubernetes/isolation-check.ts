/**
 * Proves from inside whether tenants are apart on this cluster: network policies are objects that any cluster takes,
 * and that only some hold pods to. Two pods with a tenant's policies try what must fail and what must work.
 */
import { connect } from "node:net"
import { Writable } from "node:stream"
import { setTimeout as pause } from "node:timers/promises"
import { z } from "zod"
import { PermanentError, RetryableError } from "../../domain/errors.ts"
import type { IsolationWay } from "../../odoo/port.ts"
import type { Fence, IsolationCheck } from "../driver.ts"
import type { Client } from "./client.ts"
import { isReady, type Pod, problemOf } from "./explain.ts"
import { odooPort } from "./objects/deployment.ts"
import { namespace as namespaceObject } from "./objects/namespace.ts"
import { networkPolicies } from "./objects/network-policies.ts"
import { epochOf, inventorySelector, type KubeObject, type Owner } from "./objects/object.ts"
import { places } from "./objects/pod.ts"
import { probe, probeName, probeTenant } from "./objects/probe.ts"
import { serviceAccount } from "./objects/service-account.ts"
import type { KubernetesSettings } from "./settings.ts"

export interface PodIsolationCheckOptions {
  readonly client: Client
  readonly installation: () => string
  readonly settings: KubernetesSettings
}

const startSeconds = 90
const pollMs = 250
const connectMs = 3_000

/** Answers a list of booleans: which of the addresses it gets through to. All at once: what is shut takes its time. */
const script = `import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def reaches(address):
    try:
        socket.create_connection(tuple(address), ${connectMs / 1000}).close()
        return True
    except OSError:
        return False
addresses = json.loads(sys.argv[1])
print(json.dumps(list(ThreadPoolExecutor(len(addresses)).map(reaches, addresses))))`

interface Aim extends Omit<IsolationWay, "from" | "found"> {
  readonly address: readonly [host: string, port: number]
}

export class PodIsolationCheck implements IsolationCheck {
  readonly #options: PodIsolationCheckOptions

  constructor(options: PodIsolationCheckOptions) {
    this.#options = options
  }

  async start(fence: Fence): Promise<void> {
    await this.#removeOlder(fence)
    await Promise.all(this.#namesOf(fence).map((name) => this.#start(name, fence)))
  }

  async try(fence: Fence): Promise<readonly IsolationWay[]> {
    const [one, other] = this.#namesOf(fence)
    const [own, foreign] = await Promise.all([this.#addressOf(one), this.#addressOf(other)])
    const aims = this.#aims(own, foreign)
    const [reached, isOpen] = await Promise.all([this.#reached(one, aims), isOpenFromHere(own)])
    return [
      ...aims.map(({ address: _, ...aim }, index) => ({
        from: "tenant" as const,
        ...aim,
        found: found(reached[index]),
      })),
      { from: "sidecar", to: "tenant", name: "", wanted: "open", found: found(isOpen) },
    ]
  }

  async remove(fence: Fence): Promise<void> {
    await Promise.all(this.#namesOf(fence).map((name) => this.#remove(name)))
  }

  /** Named by the claim, so that each part of a check finds them by itself. */
  #namesOf({ epoch }: Fence): [one: string, other: string] {
    const { prefix } = this.#options.settings
    return [`${prefix}probe-${epoch}-one`, `${prefix}probe-${epoch}-other`]
  }

  async #start(name: string, fence: Fence): Promise<void> {
    const { client, settings } = this.#options
    const { callers, callerNetworks, databases } = settings
    const owner = this.#owner(fence)
    await client.apply(namespaceObject(owner, name))
    const bounds = {
      callers,
      callerNetworks,
      postgres: databases,
      ownPostgres: false,
      certificates: false,
      mailPorts: [],
      https: true,
    }
    const policies = networkPolicies(owner, name, bounds)
    for (const object of [serviceAccount(owner, name), ...policies]) await client.apply(object)
    await client.apply(probe(owner, name, settings.image))
    await this.#awaitReady(name, fence)
  }

  async #awaitReady(name: string, { signal }: Fence): Promise<void> {
    const deadline = Date.now() + startSeconds * 1000
    for (;;) {
      const pod = await this.#podIn(name)
      if (pod && isReady(pod)) return
      const problem = problemOf(null, pod, Date.now())
      if (problem) throw new PermanentError(`Isolation cannot be checked: a probe does not start. ${problem}`)
      if (Date.now() > deadline) {
        throw new PermanentError(
          `Isolation cannot be checked: a probe was not ready within ${startSeconds} s. Look at the nodes, then retry.`,
        )
      }
      await pause(pollMs, undefined, { signal })
    }
  }

  async #addressOf(name: string): Promise<string> {
    const address = (await this.#podIn(name))?.status?.podIP
    if (!address) throw new RetryableError(`The probe in ${name} has gone; somebody has removed it.`)
    return address
  }

  async #podIn(name: string): Promise<Pod | null> {
    return await this.#options.client.get<Pod>({ kind: "Pod", name: probeName, namespace: name })
  }

  #aims(own: string, foreign: string): Aim[] {
    const { client, settings } = this.#options
    const api = new URL(client.server)
    return [
      { to: "itself", name: "", wanted: "open", address: [own, odooPort] },
      ...settings.databases.map(({ name, address }): Aim => {
        return { to: "database", name, wanted: "open", address: [address.host, address.port] }
      }),
      { to: "other_tenant", name: "", wanted: "shut", address: [foreign, odooPort] },
      { to: "cluster", name: "", wanted: "shut", address: [api.hostname, Number(api.port || 443)] },
      { to: "metadata", name: "", wanted: "shut", address: ["169.254.169.254", 80] },
    ]
  }

  async #reached(name: string, aims: readonly Aim[]): Promise<boolean[]> {
    const words: Buffer[] = []
    const told = new Writable({
      write: (chunk: Buffer, _, done) => {
        words.push(chunk)
        done()
      },
    })
    const addresses = JSON.stringify(aims.map(({ address }) => address))
    const where = { namespace: name, pod: probeName, container: probeName }
    await this.#options.client.exec(where, [places.python, "-c", script, addresses], told)
    return z.array(z.boolean()).parse(JSON.parse(Buffer.concat(words).toString("utf8")))
  }

  async #remove(name: string): Promise<void> {
    const { client } = this.#options
    const { uid, resourceVersion } = (await client.get({ kind: "Namespace", name }))?.metadata ?? {}
    if (uid && resourceVersion) await client.delete({ kind: "Namespace", name }, { uid, resourceVersion })
  }

  /** Those of other targets in this cluster have another prefix. */
  async #removeOlder(fence: Fence): Promise<void> {
    const { client, settings } = this.#options
    const { items } = await client.list<KubeObject>("Namespace", undefined, inventorySelector(this.#owner(fence)))
    for (const object of items) {
      const { name, deletionTimestamp } = object.metadata
      const isOlder = name.startsWith(`${settings.prefix}probe-`) && epochOf(object) < fence.epoch
      if (isOlder && !deletionTimestamp) await this.#remove(name)
    }
  }

  #owner({ epoch }: Fence): Owner {
    return { installation: this.#options.installation(), tenant: probeTenant, epoch }
  }
}

/** The sidecar's own way past every router. */
async function isOpenFromHere(host: string): Promise<boolean> {
  return await new Promise<boolean>((resolve) => {
    const socket = connect({ host, port: odooPort, timeout: connectMs })
    const end = (open: boolean) => () => {
      socket.destroy()
      resolve(open)
    }
    socket.on("connect", end(true)).on("timeout", end(false)).on("error", end(false))
  })
}

function found(isOpen: boolean | undefined): IsolationWay["found"] {
  return isOpen ? "open" : "shut"
}
