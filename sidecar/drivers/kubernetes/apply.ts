/**
 * Every write, fenced where it is applied: an object carries the epoch of the claim that wrote it last, the write names
 * the version that was looked at, and a delete names the very object. What is another installation's is left alone.
 */
import { setTimeout as pause } from "node:timers/promises"
import type { Guard } from "../../databases/servers.ts"
import { PermanentError, RetryableError, StaleEpoch } from "../../domain/errors.ts"
import type { Fence } from "../driver.ts"
import type { Client, Where } from "./client.ts"
import {
  annotations,
  epochOf,
  installationOf,
  inventory,
  type Kind,
  type KubeObject,
  type Owner,
} from "./objects/object.ts"
import { Refusal, toldOf } from "./problems.ts"

/** Whoever else writes the same object does it as seldom as we do; more than this is a quarrel. */
const tries = 8
/** An empty one takes some seconds; what a finalizer holds is not let go by waiting. */
const terminatingSeconds = 45
const pollMs = 250

export class Writer {
  readonly #client: Client
  readonly #guard: Guard
  readonly #installation: () => string

  constructor(client: Client, guard: Guard, installation: () => string) {
    this.#client = client
    this.#guard = guard
    this.#installation = installation
  }

  owner({ tenant, epoch }: Pick<Fence, "tenant" | "epoch">): Owner {
    return { installation: this.#installation(), tenant, epoch }
  }

  /** Throws `StaleEpoch` where a younger claim has been at work, here or elsewhere. */
  async check(fence: Fence): Promise<void> {
    await this.#guard.check(fence)
    fence.signal.throwIfAborted()
  }

  /** Answers the object as it is now. */
  async apply<T extends KubeObject>(fence: Fence, object: T): Promise<T> {
    await this.check(fence)
    const where = whereOf(object)
    for (let n = 0; n < tries; n++) {
      const current = await this.#current(where, fence)
      // A namespace that is going takes everything in it along: there is nothing to apply to.
      if (current?.metadata.deletionTimestamp) {
        await this.#gone(where, fence)
        continue
      }
      try {
        return await this.#client.apply(current ? at(object, current) : object)
      } catch (error) {
        if (!isConflict(error)) throw told(error, `${object.kind} ${object.metadata.name}`)
      }
    }
    throw quarrel(where)
  }

  /** Changes what is named and leaves the rest. null where there is none. */
  async change<T extends KubeObject>(fence: Fence, where: Where, change: object): Promise<T | null> {
    await this.check(fence)
    for (let n = 0; n < tries; n++) {
      const current = await this.#current(where, fence)
      if (current === null) return null
      const { resourceVersion = "" } = current.metadata
      const metadata = { resourceVersion, annotations: { [annotations.epoch]: String(fence.epoch) } }
      try {
        return await this.#client.merge<T>(where, { ...change, metadata })
      } catch (error) {
        if (!isConflict(error)) throw told(error, `${where.kind} ${where.name}`)
      }
    }
    throw quarrel(where)
  }

  /** Resolves once it is asked for; `awaitGone` waits until it is gone, finalizers and all. */
  async remove(fence: Fence, where: Where, { awaitGone = false } = {}): Promise<void> {
    await this.check(fence)
    for (let n = 0; n < tries; n++) {
      const current = await this.#current(where, fence)
      if (current === null) return
      const { uid = "", resourceVersion = "", deletionTimestamp } = current.metadata
      try {
        if (!deletionTimestamp) await this.#client.delete(where, { uid, resourceVersion })
        if (awaitGone) await this.#gone(where, fence)
        return
      } catch (error) {
        if (!isConflict(error)) throw told(error, `Removing ${where.kind} ${where.name}`)
      }
    }
    throw quarrel(where)
  }

  /** Takes away what an earlier version of ours has made and this one does not. */
  async prune(fence: Fence, namespace: string, kind: Kind, keep: readonly KubeObject[]): Promise<void> {
    const selector = Object.entries(inventory(this.owner(fence)))
    const found = await this.#client.list(kind, namespace, selector.map((pair) => pair.join("=")).join(","))
    const kept = new Set(keep.filter((one) => one.kind === kind).map(({ metadata }) => metadata.name))
    for (const { metadata } of found.items) {
      if (!kept.has(metadata.name)) await this.remove(fence, { kind, name: metadata.name, namespace })
    }
  }

  /** As it is, if it may be written by this claim. */
  async #current(where: Where, fence: Fence): Promise<KubeObject | null> {
    const current = await this.#client.get(where).catch((error: unknown) => {
      throw told(error, `${where.kind} ${where.name}`)
    })
    if (current === null) return null
    if (installationOf(current) !== this.#installation()) {
      throw new PermanentError(
        `The ${where.kind} ${where.name} is not of this installation. Nothing is touched; move or rename it first.`,
      )
    }
    const epoch = epochOf(current)
    if (epoch > fence.epoch) {
      throw new StaleEpoch(`Claim ${fence.epoch} of ${fence.tenant} is over: claim ${epoch} has written ${where.name}.`)
    }
    return current
  }

  async #gone(where: Where, fence: Fence): Promise<void> {
    const deadline = Date.now() + terminatingSeconds * 1000
    for (;;) {
      const current = await this.#client.get(where)
      if (current === null) return
      if (Date.now() > deadline) throw new RetryableError(stuck(current))
      await pause(pollMs, undefined, { signal: fence.signal })
    }
  }
}

function quarrel({ kind, name }: Where): RetryableError {
  return new RetryableError(`${kind} ${name} is written by somebody else all the time.`)
}

/** A namespace says in its conditions what keeps it. */
function stuck(object: KubeObject): string {
  const { conditions = [] } =
    (object as { status?: { conditions?: { status: string; message?: string }[] } }).status ?? {}
  const why = conditions.filter(({ status }) => status === "True").map(({ message }) => message)
  return `${object.kind} ${object.metadata.name} does not go: ${why.join(" ") || "a finalizer holds it"}.`
}

function whereOf({ kind, metadata }: KubeObject): Where {
  return { kind, name: metadata.name, namespace: metadata.namespace }
}

/** The API server refuses the write where this is no longer the version that is there. */
function at<T extends KubeObject>(object: T, { metadata }: KubeObject): T {
  return { ...object, metadata: { ...object.metadata, resourceVersion: metadata.resourceVersion ?? "" } }
}

function isConflict(error: unknown): boolean {
  return (
    error instanceof Refusal && (error.code === 409 || (error.code === 404 && /resourceVersion/.test(error.message)))
  )
}

function told(error: unknown, what: string): unknown {
  return error instanceof Refusal ? toldOf(error, what) : error
}
