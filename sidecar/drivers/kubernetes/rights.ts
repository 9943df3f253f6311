/**
 * The sidecar may nothing inside a tenant's namespace but what it lets itself do there, by binding one ClusterRole in
 * each namespace that it has made. It does so when the API server turns it away: in a new namespace, and wherever
 * somebody has taken the binding away. So there is no right in the whole cluster on secrets, or on what pods hold.
 */
import { setTimeout as pause } from "node:timers/promises"
import { installationOf, type KubeObject, kinds, ourselves, tenantOf } from "./objects/object.ts"
import { bindingName, roleBinding } from "./objects/role-binding.ts"
import { Refusal } from "./problems.ts"

interface Question {
  readonly query?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly type?: string
}

export interface RightsOptions {
  readonly ask: (method: string, path: string, question?: Question) => Promise<unknown>
  /** Name of the ClusterRole. */
  readonly role: string
  readonly installation: () => string
}

/** The API server hears of a new binding a moment after it is written; where there are several of them, each by itself. */
const heardSeconds = 10
const pollMs = 50

export class Rights {
  readonly #options: RightsOptions
  readonly #taking = new Map<string, Promise<void>>()
  #user: Promise<string> | null = null

  constructor(options: RightsOptions) {
    this.#options = options
  }

  /** What `work` asks at `path`, with the rights for it. */
  async within<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      const namespace = namespaceIn(path)
      if (namespace === null || !lacksRight(error)) throw error
      await this.#take(namespace, error)
      return await this.#patiently(work)
    }
  }

  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    const deadline = Date.now() + heardSeconds * 1000
    for (;;) {
      try {
        return await work()
      } catch (error) {
        if (!lacksRight(error) || Date.now() > deadline) throw error
      }
      await pause(pollMs)
    }
  }

  #take(namespace: string, refusal: unknown): Promise<void> {
    const under = this.#taking.get(namespace)
    if (under) return under
    const taking = this.#bind(namespace, refusal).finally(() => this.#taking.delete(namespace))
    this.#taking.set(namespace, taking)
    return taking
  }

  async #bind(name: string, refusal: unknown): Promise<void> {
    const { ask, role, installation } = this.#options
    // Throws that there is none, where there is none: then nothing is in it either.
    const namespace = (await ask("GET", `${kinds.Namespace.root}/namespaces/${name}`)) as KubeObject
    if (installationOf(namespace) !== installation()) throw refusal
    this.#user ??= this.#whoWeAre()
    // Of no claim in particular: whoever works in the namespace needs it.
    const owner = { installation: installation(), tenant: tenantOf(namespace) ?? "", epoch: 0 }
    const { root, plural } = kinds.RoleBinding
    await ask("PATCH", `${root}/namespaces/${name}/${plural}/${bindingName}`, {
      query: { fieldManager: ourselves, force: "true" },
      body: roleBinding(owner, name, role, await this.#user),
      type: "application/apply-patch+yaml",
    })
  }

  async #whoWeAre(): Promise<string> {
    const answer = (await this.#options.ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {
      body: { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" },
    })) as { status: { userInfo: { username: string } } }
    return answer.status.userInfo.username
  }
}

/** Of what is inside one; the namespaces themselves are the whole cluster's. */
function namespaceIn(path: string): string | null {
  return /\/namespaces\/([^/]+)\/./.exec(path)?.[1] ?? null
}

/** A quota or pod security refuses with 403, too. */
function lacksRight(error: unknown): boolean {
  return error instanceof Refusal && error.code === 403 && /cannot \w+ resource/.test(error.message)
}
