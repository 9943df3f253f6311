/**
 * What is there, as the API server tells it by itself: looking at a tenant asks nobody anything. An informer may stall
 * without a word, so everything is listed anew now and then.
 */
import { setTimeout as pause } from "node:timers/promises"
import { type KubernetesObject, ListWatch, Watch } from "@kubernetes/client-node"
import { RetryableError } from "../../domain/errors.ts"
import { type Client, folderOf } from "./client.ts"
import type { Kind, KubeObject } from "./objects/object.ts"
import { isOlder, Unseen } from "./unseen.ts"

const relistMs = 300_000
const restartMs = 1_000
const firstListSeconds = 20

export class WatchCache<T extends KubeObject> {
  readonly kind: Kind
  /** client-node says that times are dates; in what comes from a watch they are texts, as on the wire. */
  readonly #watch: ListWatch<KubernetesObject>
  readonly #waiting = new Set<() => void>()
  readonly #listeners = new Set<(object: T, gone: boolean) => void>()
  readonly #closed = new AbortController()
  readonly #unseen = new Unseen()
  #listed = false
  #problem: Error | null = null

  constructor(client: Client, kind: Kind, labelSelector: string) {
    this.kind = kind
    const list = async () => {
      const found = await client.list<T>(kind, undefined, labelSelector)
      this.#problem = null
      this.#listed = true
      for (const object of found.items) lighten(object)
      // The informer takes them over right after this.
      setImmediate(() => this.#wake())
      return found as never
    }
    this.#watch = new ListWatch(folderOf(kind), new Watch(client.config), list, false, labelSelector)
    const tell = (gone: boolean) => (object: KubernetesObject) => this.#tell(object as unknown as T, gone)
    for (const verb of ["add", "update"] as const) this.#watch.on(verb, tell(false))
    this.#watch.on("delete", tell(true))
    this.#watch.on("error", (error: Error) => {
      this.#problem = error
      void this.#restart(restartMs)
    })
    void this.#watch.start()
    void this.#resumeNowAndThen()
  }

  /** Resolves once everything was listed. */
  async ready(): Promise<void> {
    if (this.#listed || (await this.until(() => this.#listed, firstListSeconds))) return
    throw new RetryableError(
      `The cluster does not list its ${this.kind} objects: ${this.#problem?.message ?? "no answer"}.`,
    )
  }

  get(name: string, namespace?: string): T | null {
    return (this.#watch.get(name, namespace) as T | undefined) ?? null
  }

  /** null, too, while what we have done to it is not seen here: then the API server must be asked. */
  getFresh(name: string, namespace?: string): T | null {
    const seen = this.get(name, namespace)
    return this.#unseen.hides({ name, namespace }, seen) ? null : seen
  }

  wrote(object: KubeObject): void {
    this.#unseen.wrote(object, this.get(object.metadata.name, object.metadata.namespace))
  }

  removed(name: string, namespace: string | undefined, uid: string): void {
    this.#unseen.removed({ name, namespace }, uid, this.get(name, namespace))
  }

  list(namespace?: string): readonly T[] {
    return this.#watch.list(namespace) as unknown as readonly T[]
  }

  onChange(listener: (object: T, gone: boolean) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Resolves with whether it came true in time; looks again at every change. */
  async until(isTrue: () => boolean, seconds: number, signal?: AbortSignal): Promise<boolean> {
    const deadline = Date.now() + seconds * 1000
    const signals = AbortSignal.any([this.#closed.signal, ...(signal ? [signal] : [])])
    while (!isTrue()) {
      const leftMs = deadline - Date.now()
      if (leftMs <= 0) return false
      await this.#change(leftMs, signals)
    }
    return true
  }

  /** Resolves once what was just written is seen here, so that whoever looks next sees it too. */
  async sees({ metadata: { name, namespace, resourceVersion } }: KubeObject): Promise<void> {
    await this.until(() => {
      const seen = this.get(name, namespace)
      return seen !== null && !isOlder(seen, resourceVersion)
    }, 5)
  }

  /** Whatever was said since it was heard last may have been said to nobody. */
  resume(): void {
    void this.#restart(0)
  }

  async close(): Promise<void> {
    this.#closed.abort()
    await this.#watch.stop()
  }

  #tell(object: T, gone: boolean): void {
    lighten(object)
    this.#unseen.told(object, gone)
    for (const listener of this.#listeners) listener(object, gone)
    this.#wake()
  }

  #change(timeoutMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const over = () => {
        clearTimeout(timer)
        this.#waiting.delete(over)
        signal.removeEventListener("abort", over)
        if (signal.aborted) reject(signal.reason)
        else resolve()
      }
      const timer = setTimeout(over, timeoutMs)
      this.#waiting.add(over)
      signal.addEventListener("abort", over, { once: true })
      if (signal.aborted) over()
    })
  }

  #wake(): void {
    for (const waiting of [...this.#waiting]) waiting()
  }

  async #restart(afterMs: number): Promise<void> {
    const { signal } = this.#closed
    await pause(afterMs, undefined, { signal, ref: false }).catch(() => undefined)
    if (signal.aborted) return
    await this.#watch.stop()
    await this.#watch.start()
  }

  async #resumeNowAndThen(): Promise<void> {
    const { signal } = this.#closed
    while (!signal.aborted) {
      await pause(relistMs, undefined, { signal, ref: false }).catch(() => undefined)
      await this.#restart(0)
    }
  }
}

/** Who manages which field is half of an object and nothing to us: thousands of tenants are to fit into memory. */
function lighten({ metadata }: KubeObject): void {
  delete (metadata as { managedFields?: unknown }).managedFields
}
