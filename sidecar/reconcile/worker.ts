/** Claims operations, keeps their leases, works on several at once, and gives back what it cannot finish. */
import { randomUUID } from "node:crypto"
import type { Logger } from "pino"
import { type Backoff, backoffSeconds } from "../domain/backoff.ts"
import { targetSubject, templateSubject } from "../domain/names.ts"
import {
  type Claim,
  type ClaimRequest,
  type MasterPort,
  MasterRefused,
  MasterUnavailable,
  type Outcome,
} from "../odoo/port.ts"
import { Complaint } from "./complaint.ts"
import { perform } from "./perform.ts"
import { Task } from "./task.ts"
import type { Telemetry } from "./telemetry.ts"
import { pause, Rest } from "./timing.ts"
import type { World } from "./world.ts"

export interface WorkerOptions<E> {
  /** Tells this sidecar from others in the master's list of operations. */
  readonly name: string
  readonly master: MasterPort
  readonly world: World<E>
  readonly telemetry: Telemetry
  readonly log: Logger
  /** Throws while nothing can be worked on, so that nothing is claimed just to fail. */
  readonly gate: () => Promise<void>
  readonly maxOperations: number
  readonly leaseSeconds: number
  readonly pollSeconds: number
  /** How long a stop waits for acts under way before it cuts them short. */
  readonly graceSeconds: number
}

const longestPoll = 30
const finishBackoff: Backoff = { first: 0.5, most: 5 }

export class Worker<E> {
  readonly #options: WorkerOptions<E>
  readonly #tasks = new Map<string, { readonly task: Task; readonly end: Promise<void> }>()
  readonly #claimRefused: Complaint
  readonly #renewalRefused: Complaint
  readonly #rest = new Rest()
  readonly #renewal = new Rest()
  #claiming: Promise<void> | null = null
  #renewing: Promise<void> | null = null
  /** A claim whose answer has not come: asked again with the same id, so that what it leased is not forgotten. */
  #unanswered: Omit<ClaimRequest, "held"> | null = null
  #stopping = false
  #graceOver = false
  #ended = false

  constructor(options: WorkerOptions<E>) {
    this.#options = options
    this.#claimRefused = new Complaint("the master refused a claim", options.log)
    this.#renewalRefused = new Complaint("the master refused to renew leases", options.log)
  }

  get running(): number {
    return this.#tasks.size
  }

  isWorkingOn(subject: string): boolean {
    for (const { task } of this.#tasks.values()) if (task.subject === subject) return true
    return false
  }

  start(): void {
    this.#claiming = this.#claimForEver()
    this.#renewing = this.#renewForEver()
  }

  /** There may be work, or a running operation may have been changed: look at once. */
  nudge(): void {
    this.#rest.wake()
    if (this.#tasks.size > 0) this.#renewal.wake()
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#rest.wake()
    await this.#claiming
    for (const { task } of this.#tasks.values()) task.release()
    const ends = Promise.all([...this.#tasks.values()].map(({ end }) => end))
    const grace = setTimeout(() => {
      this.#graceOver = true
      for (const { task } of this.#tasks.values()) task.end("released")
    }, this.#options.graceSeconds * 1000)
    await ends
    clearTimeout(grace)
    this.#ended = true
    this.#renewal.wake()
    await this.#renewing
  }

  async #claimForEver(): Promise<void> {
    const { maxOperations, pollSeconds, log } = this.#options
    let failures = 0
    while (!this.#stopping) {
      const free = maxOperations - this.#tasks.size
      try {
        if (free > 0 && (await this.#claim(free)) >= free) continue
        failures = 0
      } catch (error) {
        failures += 1
        if (!(error instanceof MasterUnavailable)) log.debug({ err: error }, "nothing can be claimed")
      }
      const poll: Backoff = { first: pollSeconds, most: Math.max(longestPoll, pollSeconds) }
      await this.#rest.wait(backoffSeconds(Math.max(1, failures), Math.random(), poll))
    }
    await this.#giveBackUnanswered()
  }

  /** How many were claimed. */
  async #claim(limit: number): Promise<number> {
    const { name: worker, world, leaseSeconds, gate } = this.#options
    await gate()
    this.#unanswered ??= { requestId: randomUUID(), worker, targets: [world.target.name], limit, leaseSeconds }
    const claims = await this.#ask(this.#unanswered)
    for (const claim of claims) this.#begin(claim)
    return claims.length
  }

  async #ask(request: Omit<ClaimRequest, "held">): Promise<readonly Claim[]> {
    try {
      const claims = await this.#options.master.claim({ ...request, held: [...this.#tasks.keys()] })
      this.#unanswered = null
      this.#claimRefused.settle()
      return claims
    } catch (error) {
      if (error instanceof MasterRefused) {
        this.#unanswered = null
        this.#claimRefused.raise(error)
      }
      throw error
    }
  }

  #begin(claim: Claim): void {
    // An answer that was asked for twice may name what is under way already.
    if (this.#tasks.has(claim.lease)) return
    const task = new Task(claim, subjectOf(claim), this.#options)
    const end = this.#work(task).finally(() => {
      this.#tasks.delete(claim.lease)
      this.#rest.wake()
    })
    this.#tasks.set(claim.lease, { task, end })
  }

  /** Never rejects. */
  async #work(task: Task): Promise<void> {
    const { world, telemetry } = this.#options
    const start = performance.now()
    task.log.info({ kind: task.claim.kind, attempt: task.claim.attempt, epoch: task.claim.epoch }, "operation begins")
    const outcome = await perform(world, task)
    const seconds = (performance.now() - start) / 1000
    if (outcome !== null) await this.#finish(task, outcome)
    telemetry.operationEnded(task.claim.kind, outcome?.kind ?? "lost", seconds)
    task.log.info({ outcome: outcome ?? "lost", seconds }, "operation ended")
  }

  /** Asks until the master has answered: what was done must not be forgotten because a reply was lost. */
  async #finish(task: Task, outcome: Outcome): Promise<void> {
    const { master } = this.#options
    const { steps, status } = await task.close()
    for (let attempt = 1; task.interruption !== "lost"; attempt += 1) {
      try {
        await master.finish(task.renewal, outcome, steps, status)
        return
      } catch (error) {
        if (!(error instanceof MasterUnavailable)) {
          task.log.error({ err: error }, "the master refused the end of an operation")
          return
        }
        if (this.#graceOver) {
          task.log.warn("stopping without having told the end of an operation; its lease will run out")
          return
        }
      }
      await pause(backoffSeconds(attempt, Math.random(), finishBackoff))
    }
  }

  async #renewForEver(): Promise<void> {
    const { leaseSeconds } = this.#options
    let answered = true
    while (!this.#ended) {
      // Not answered, a third of the lease is gone already: the next question comes soon.
      await this.#renewal.wait(answered ? leaseSeconds / 3 : leaseSeconds / 30)
      answered = await this.#renew()
    }
  }

  /** Whether the master has answered, or there was nothing to ask. */
  async #renew(): Promise<boolean> {
    const { master, leaseSeconds } = this.#options
    const tasks = new Map([...this.#tasks.values()].map(({ task }) => [task.claim.operation, task]))
    if (tasks.size === 0) return true
    try {
      const leases = [...tasks.values()].map((task) => task.renewal)
      const { lost, cancelled, moved } = await master.renew(leases, leaseSeconds)
      this.#renewalRefused.settle()
      for (const id of lost) tasks.get(id)?.end("lost")
      for (const id of cancelled) tasks.get(id)?.end("cancelled")
      for (const { operation, spec } of moved) tasks.get(operation)?.move(spec)
      return true
    } catch (error) {
      // What runs out meanwhile stays ours until another was given it, and then epochs refuse what is done too late.
      if (!(error instanceof MasterUnavailable)) this.#renewalRefused.raise(error)
      return false
    }
  }

  async #giveBackUnanswered(): Promise<void> {
    if (this.#unanswered === null) return
    try {
      for (const { operation, lease } of await this.#ask(this.#unanswered)) {
        await this.#options.master.finish({ operation, lease }, { kind: "released" }, [], null)
      }
    } catch (error) {
      this.#options.log.warn({ err: error }, "stopping with a claim unanswered; what it leased runs out by itself")
    }
  }
}

function subjectOf(claim: Claim): string {
  switch (claim.kind) {
    case "build_template":
      return templateSubject(claim.template.key)
    case "check_isolation":
      return targetSubject(claim.target)
    default:
      return claim.spec.id
  }
}
