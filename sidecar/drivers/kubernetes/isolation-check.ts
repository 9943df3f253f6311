/**
 * Proves from inside whether tenants are apart on this cluster: network policies are objects that any cluster takes,
 * and that only some hold pods to. Two pods with a tenant's policies try what must fail and what must work.
 */
import { randomBytes } from "node:crypto"
import { connect } from "node:net"
import { Writable } from "node:stream"
import { setTimeout as pause } from "node:timers/promises"
import { z } from "zod"
import { RetryableError } from "../../domain/errors.ts"
import type { IsolationReport, IsolationTry } from "../driver.ts"
import type { Client } from "./client.ts"
import { isReady, type Pod, problemOf } from "./explain.ts"
import { odooPort } from "./objects/deployment.ts"
import { namespace as namespaceObject } from "./objects/namespace.ts"
import { networkPolicies } from "./objects/network-policies.ts"
import { inventory, type KubeObject, type Owner } from "./objects/object.ts"
import { places } from "./objects/pod.ts"
import { probe, probeName, probeTenant } from "./objects/probe.ts"
import { serviceAccount } from "./objects/service-account.ts"
import type { KubernetesSettings } from "./settings.ts"

export interface IsolationCheckOptions {
  readonly client: Client
  readonly installation: () => string
  readonly settings: KubernetesSettings
}

const startSeconds = 90
const pollMs = 250
const connectMs = 3_000
/** A check is over in a minute: what is older was left by one that was killed. */
const leftoverMs = 600_000

/** Answers a list of booleans: which of the addresses it gets through to. */
const script = `import json, socket, sys
def reaches(host, port):
    try:
        socket.create_connection((host, port), ${connectMs / 1000}).close()
        return True
    except OSError:
        return False
print(json.dumps([reaches(*address) for address in json.loads(sys.argv[1])]))`

interface Aim {
  readonly to: string
  readonly address: readonly [host: string, port: number]
  readonly wanted: IsolationTry["wanted"]
}

export class IsolationCheck {
  readonly #options: IsolationCheckOptions

  constructor(options: IsolationCheckOptions) {
    this.#options = options
  }

  async run(): Promise<IsolationReport> {
    await this.#removeLeftovers()
    const run = randomBytes(4).toString("hex")
    const names = ["one", "other"].map((name) => `${this.#options.settings.prefix}probe-${run}-${name}`)
    try {
      const [one = "", other = ""] = await Promise.all(names.map((name) => this.#start(name)))
      return report([...(await this.#fromInside(names[0] ?? "", one, other)), await fromHere(one)])
    } finally {
      await Promise.all(names.map((name) => this.#remove(name)))
    }
  }

  /** Resolves with the address of the pod. */
  async #start(name: string): Promise<string> {
    const { client, settings } = this.#options
    const { callers, callerNetworks, databases } = settings
    const owner = this.#owner
    await client.apply(namespaceObject(owner, name))
    const postgres = databases.map((server) => ({ ...server, port: server.address.port }))
    const bounds = {
      callers,
      callerNetworks,
      postgres,
      ownPostgres: false,
      certificates: false,
      mailPorts: [],
      https: true,
    }
    const policies = networkPolicies(owner, name, bounds)
    for (const object of [serviceAccount(owner, name), ...policies]) await client.apply(object)
    await client.apply(probe(owner, name, settings.image))
    const deadline = Date.now() + startSeconds * 1000
    for (;;) {
      const pod = await client.get<Pod>({ kind: "Pod", name: probeName, namespace: name })
      if (pod && isReady(pod) && pod.status?.podIP) return pod.status.podIP
      const problem = problemOf(null, pod, Date.now())
      if (problem || Date.now() > deadline) {
        throw new RetryableError(`Isolation cannot be checked: a probe does not start. ${problem}`)
      }
      await pause(pollMs)
    }
  }

  async #fromInside(name: string, own: string, foreign: string): Promise<IsolationTry[]> {
    const { client, settings } = this.#options
    const api = new URL(client.server)
    const aims: Aim[] = [
      { to: "itself", address: [own, odooPort], wanted: "open" },
      ...settings.databases.map(
        ({ name, address: { host, port } }): Aim => ({
          to: `the database server ${name}`,
          address: [host, port],
          wanted: "open",
        }),
      ),
      { to: "another tenant", address: [foreign, odooPort], wanted: "shut" },
      { to: "the API server", address: [api.hostname, Number(api.port || 443)], wanted: "shut" },
      { to: "the cloud's metadata", address: ["169.254.169.254", 80], wanted: "shut" },
    ]
    const words: Buffer[] = []
    const told = new Writable({
      write: (chunk: Buffer, _, done) => {
        words.push(chunk)
        done()
      },
    })
    const addresses = JSON.stringify(aims.map(({ address }) => address))
    await client.exec(name, probeName, [places.python, "-c", script, addresses], told)
    const reached = z.array(z.boolean()).parse(JSON.parse(Buffer.concat(words).toString("utf8")))
    return aims.map(({ to, wanted }, index) => ({ from: "a tenant", to, wanted, found: foundOf(reached[index]) }))
  }

  async #remove(name: string): Promise<void> {
    const { client } = this.#options
    const { uid, resourceVersion } = (await client.get({ kind: "Namespace", name }))?.metadata ?? {}
    if (uid && resourceVersion) await client.delete({ kind: "Namespace", name }, { uid, resourceVersion })
  }

  async #removeLeftovers(): Promise<void> {
    const selector = Object.entries(inventory(this.#owner)).map((pair) => pair.join("="))
    const { items } = await this.#options.client.list<KubeObject>("Namespace", undefined, selector.join(","))
    for (const { metadata } of items) {
      const isOld = Date.now() - Date.parse(metadata.creationTimestamp ?? "") > leftoverMs
      if (isOld && !metadata.deletionTimestamp) await this.#remove(metadata.name)
    }
  }

  get #owner(): Owner {
    return { installation: this.#options.installation(), tenant: probeTenant, epoch: 0 }
  }
}

/** The sidecar's own way past every router. */
async function fromHere(host: string): Promise<IsolationTry> {
  const isOpen = await new Promise<boolean>((resolve) => {
    const socket = connect({ host, port: odooPort, timeout: connectMs })
    const end = (open: boolean) => () => {
      socket.destroy()
      resolve(open)
    }
    socket.on("connect", end(true)).on("timeout", end(false)).on("error", end(false))
  })
  return { from: "the sidecar", to: "a tenant", wanted: "open", found: foundOf(isOpen) }
}

function foundOf(isOpen: boolean | undefined): IsolationTry["found"] {
  return isOpen ? "open" : "shut"
}

function report(tries: readonly IsolationTry[]): IsolationReport {
  const wrong = (wanted: IsolationTry["wanted"]) =>
    tries.filter((one) => one.wanted === wanted && one.found !== wanted).map(({ from, to }) => `${from} to ${to}`)
  const [open, shut] = [wrong("shut"), wrong("open")]
  const missing = [
    ...(open.length > 0 ? [`Network policies are not enforced by this cluster (open: ${open.join("; ")})`] : []),
    ...(shut.length > 0 ? [`The network shuts out what must work (${shut.join("; ")})`] : []),
  ]
  return { tries, missing }
}
