/**
 * Every write, fenced where it is applied: an object carries the epoch of the claim that wrote it last, the write names
 * the version that was looked at, and a delete names the very object. What is another installation's is left alone.
 *
 * With thousands of tenants the API server is asked as little as can be. Kinds that are watched are looked at in their
 * caches: the API server refuses a write by an old look.
 *
 * What is as it should be is not written again, if no older claim can still change it. A version that was looked at
 * before this claim began protects nothing: whoever looked at the same one may write it late. So it is left alone only
 *  - where this claim has written it, and it carries its epoch, or
 *  - where every claim before has told its end (`Fencing.settle`): then no write is under way that could come late.
 * A claim that follows one whose end nobody knows writes its epoch on everything that is there before it looks
 * (takeover.ts): late writes name versions that are no more, and who looks again finds the younger epoch.
 */
import { setTimeout as pause } from "node:timers/promises"
import type { Guard } from "../../databases/servers.ts"
import { PermanentError, RetryableError, StaleEpoch } from "../../domain/errors.ts"
import { fingerprint } from "../../domain/fingerprint.ts"
import type { TenantId } from "../../domain/tenant.ts"
import type { Before, Fence } from "../driver.ts"
import type { Client, Where } from "./client.ts"
import { driftOf } from "./drift.ts"
import {
  annotations,
  epochOf,
  installationOf,
  inventory,
  inventorySelector,
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

/** What the API server has told by itself, which may lag behind what we have written. */
export interface Look {
  /** null where there is none of ours, of a kind that is not watched, and while what we have written is not seen. */
  find(where: Where): Promise<KubeObject | null>
  /** null for a kind that is not watched. */
  findIn(kind: Kind, namespace: string): Promise<readonly KubeObject[] | null>
  /** From here on, an older version of it is no answer to `find`. */
  wrote(object: KubeObject): void
  removed(where: Where, uid: string): void
}

const blind: Look = {
  find: async () => null,
  findIn: async () => null,
  wrote: () => undefined,
  removed: () => undefined,
}

export class Writer {
  readonly #client: Client
  readonly #guard: Guard
  readonly #installation: () => string
  readonly #look: Look
  /** Claims that follow those that have told their end. Of each tenant the last one. */
  readonly #afterEnded = new Map<TenantId, number>()
  /** Claims that have sent a write which was not answered. Of each tenant the last one. */
  readonly #unanswered = new Map<TenantId, number>()

  constructor(client: Client, guard: Guard, installation: () => string, look: Look = blind) {
    this.#client = client
    this.#guard = guard
    this.#installation = installation
    this.#look = look
  }

  owner({ tenant, epoch }: Pick<Fence, "tenant" | "epoch">): Owner {
    return { installation: this.#installation(), tenant, epoch }
  }

  /** Before anything of a claim is looked at. */
  begin({ tenant, epoch }: Fence, before: Before): void {
    if (before === "ended") this.#afterEnded.set(tenant, epoch)
    else this.#afterEnded.delete(tenant)
    this.#unanswered.delete(tenant)
  }

  /** Throws `StaleEpoch` where a younger claim has been at work, here or elsewhere. */
  async check(fence: Fence): Promise<void> {
    await this.#guard.check(fence)
    fence.signal.throwIfAborted()
    // It may still come, and would carry the same epoch as whatever this claim writes now.
    if (this.#unanswered.get(fence.tenant) === fence.epoch) {
      throw new RetryableError("The cluster has not answered a write. Everything is looked at anew by another claim.")
    }
  }

  /** What the claim before has left there about other objects; nothing, where nobody knows how that one ended. */
  marksOf(fence: Fence, object: KubeObject | null): Readonly<Record<string, string>> {
    const isKnown = object !== null && this.#isAfterEnded(fence) && epochOf(object) <= fence.epoch
    return isKnown ? (object.metadata.annotations ?? {}) : {}
  }

  /** Whether no late write of an older claim can change that object, whoever looked at the version that it has. */
  #isFirm(object: KubeObject, fence: Fence): boolean {
    const epoch = epochOf(object)
    return epoch === fence.epoch || (epoch < fence.epoch && this.#isAfterEnded(fence))
  }

  #isAfterEnded({ tenant, epoch }: Fence): boolean {
    return this.#afterEnded.get(tenant) === epoch
  }

  /** Answers the object as it is now. `known`: the version that it has unless somebody has written it since (`marksOf`). */
  async apply<T extends KubeObject>(fence: Fence, object: T, known?: string): Promise<T> {
    await this.check(fence)
    const where = whereOf(object)
    const wanted = marked(object)
    for (let n = 0; n < tries; n++) {
      const current = n === 0 && known ? versionOnly(object, known) : await this.#current(where, fence, n > 0)
      // A namespace that is going takes everything in it along: there is nothing to apply to.
      if (current?.metadata.deletionTimestamp) {
        await this.#gone(where, fence)
        continue
      }
      if (current && this.#isFirm(current, fence) && driftOf(wanted, current) === "") return current as T
      const written = await this.#send(fence, where, () => this.#client.apply(current ? at(wanted, current) : wanted))
      if (written === null) continue
      this.#look.wrote(written)
      return written
    }
    throw quarrel(where)
  }

  /** All at once. Whether it resolves or fails: each has been answered by then, so that nothing of it comes late. */
  async applyAll(fence: Fence, objects: readonly KubeObject[]): Promise<KubeObject[]> {
    return await allAnswered(objects.map((object) => this.apply(fence, object)))
  }

  /** null where somebody else was faster. */
  async #send<T>(fence: Fence, { kind, name }: Where, send: () => Promise<T>): Promise<T | null> {
    try {
      return await send()
    } catch (error) {
      if (isConflict(error)) return null
      if (!isAnswer(error)) this.#unanswered.set(fence.tenant, fence.epoch)
      throw told(error, `${kind} ${name}`)
    }
  }

  /** Changes what is named and leaves the rest. null where there is none. */
  async change<T extends KubeObject>(fence: Fence, where: Where, change: object): Promise<T | null> {
    await this.check(fence)
    for (let n = 0; n < tries; n++) {
      const current = await this.#current(where, fence, n > 0)
      if (current === null) return null
      const { resourceVersion = "" } = current.metadata
      const metadata = { resourceVersion, annotations: { [annotations.epoch]: String(fence.epoch) } }
      const written = await this.#send(fence, where, () => this.#client.merge<T>(where, { ...change, metadata }))
      if (written === null) continue
      this.#look.wrote(written)
      return written
    }
    throw quarrel(where)
  }

  /** Resolves once it is asked for; `awaitGone` waits until it is gone, finalizers and all. */
  async remove(fence: Fence, where: Where, { awaitGone = false } = {}): Promise<void> {
    await this.check(fence)
    for (let n = 0; n < tries; n++) {
      const current = await this.#current(where, fence, true)
      if (current === null) return
      const { uid = "", resourceVersion = "", deletionTimestamp } = current.metadata
      const remove = () => this.#client.delete(where, { uid, resourceVersion }).then(() => true)
      if (!deletionTimestamp && (await this.#send(fence, where, remove)) === null) continue
      this.#look.removed(where, uid)
      if (awaitGone) await this.#gone(where, fence)
      return
    }
    throw quarrel(where)
  }

  /** Takes away what an earlier version of ours has made and this one does not. */
  async prune(fence: Fence, namespace: string, kind: Kind, keep: readonly KubeObject[]): Promise<void> {
    const kept = new Set(keep.filter((one) => one.kind === kind).map(({ metadata }) => metadata.name))
    for (const { metadata } of await this.#inventory(fence, namespace, kind)) {
      if (!kept.has(metadata.name)) await this.remove(fence, { kind, name: metadata.name, namespace })
    }
  }

  async #inventory(fence: Fence, namespace: string, kind: Kind): Promise<readonly KubeObject[]> {
    const owner = this.owner(fence)
    const seen = await this.#look.findIn(kind, namespace)
    if (seen === null) return (await this.#client.list(kind, namespace, inventorySelector(owner))).items
    const own = Object.entries(inventory(owner))
    return seen.filter(({ metadata }) => own.every(([label, value]) => metadata.labels?.[label] === value))
  }

  /** As it is, if it may be written by this claim. `anew`: what was seen before is not good enough. */
  async #current(where: Where, fence: Fence, anew: boolean): Promise<KubeObject | null> {
    const seen = anew ? null : await this.#look.find(where)
    const ask = () =>
      this.#client.get(where).catch((error: unknown) => {
        throw told(error, `${where.kind} ${where.name}`)
      })
    // One that is not seen may be somebody else's, or too young to be seen.
    const current = seen ?? (await ask())
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

/** As `Promise.all`, but never before the last one has ended. */
export async function allAnswered<T>(asked: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(asked)
  return await Promise.all(asked)
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

/** Carries what it was made by, so that another version of ours, which may leave something out, makes it anew. */
function marked<T extends KubeObject>(object: T): T {
  const { metadata } = object
  const { [annotations.epoch]: _, ...marks } = metadata.annotations ?? {}
  const made = fingerprint({ ...object, metadata: { ...metadata, annotations: marks } })
  return { ...object, metadata: { ...metadata, annotations: { ...metadata.annotations, [annotations.made]: made } } }
}

function versionOnly({ apiVersion, kind, metadata: { name } }: KubeObject, resourceVersion: string): KubeObject {
  return { apiVersion, kind, metadata: { name, resourceVersion } }
}

function isConflict(error: unknown): boolean {
  return (
    error instanceof Refusal && (error.code === 409 || (error.code === 404 && /resourceVersion/.test(error.message)))
  )
}

/** What a server could not finish in time may be finished later. */
function isAnswer(error: unknown): boolean {
  return error instanceof Refusal && error.code < 500
}

function told(error: unknown, what: string): unknown {
  return error instanceof Refusal ? toldOf(error, what) : error
}
