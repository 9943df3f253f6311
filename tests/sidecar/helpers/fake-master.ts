/**
 * A fake: a master in memory, to try what a real one does rarely, such as losing a reply at the right moment. That the
 * real one speaks the same protocol is tried with a real Odoo elsewhere.
 */
import { randomUUID } from "node:crypto"
import type { TenantId, TenantSpec, TenantStatus } from "../../../sidecar/domain/tenant.ts"
import {
  type Claim,
  type ClaimRequest,
  type HelloAnswer,
  type HelloInfo,
  type MasterPort,
  MasterUnavailable,
  type OperationKind,
  type Outcome,
  protocolVersion,
  type RenewAnswer,
  type Renewal,
  type StepReport,
  type TenantSummary,
  type UsageSample,
} from "../../../sidecar/odoo/port.ts"

export interface Operation {
  readonly id: number
  readonly kind: Exclude<OperationKind, "build_template">
  /** Or the target's name, where it is about that. */
  readonly tenant: TenantId
  state: "queued" | "running" | Outcome["kind"]
  lease: string
  endedLease: string
  attempt: number
  claimed: TenantSpec | null
  cancelled: boolean
  outcome: Outcome | null
  readonly steps: Map<number, StepReport>
}

type Method = keyof MasterPort

export class FakeMaster implements MasterPort {
  readonly specs = new Map<TenantId, TenantSpec>()
  readonly statuses = new Map<TenantId, TenantStatus>()
  /** Every phase that was reported, in order, without repetition. */
  readonly phases: string[] = []
  readonly operations: Operation[] = []
  readonly calls: Method[] = []
  /** Of which tenants it was asked what is wanted of them; null: of all. */
  readonly listed: (readonly TenantId[] | null)[] = []
  readonly asked: { readonly tenant: TenantId; readonly reason: string }[] = []
  readonly samples: UsageSample[] = []
  readonly #epochs = new Map<TenantId, number>()
  readonly #answers = new Map<string, readonly Claim[]>()
  readonly #losing = new Map<Method, number>()
  #away = false
  #leasesRanOut = false

  /** Work is done, and nobody hears of it. */
  loseReplies(method: Method, times = 1): void {
    this.#losing.set(method, times)
  }

  goAway(): void {
    this.#away = true
  }

  comeBack(): void {
    this.#away = false
  }

  /** As where no renewal comes through in time: who asks gets what is running, too. */
  letLeasesRunOut(): void {
    this.#leasesRanOut = true
  }

  want(spec: TenantSpec): Operation {
    this.specs.set(spec.id, spec)
    return this.queue(spec.id)
  }

  /** Changes what is wanted without a new operation, as while one is running. */
  change(spec: TenantSpec): void {
    this.specs.set(spec.id, spec)
  }

  queue(tenant: TenantId, kind: Operation["kind"] = "reconcile"): Operation {
    const operation: Operation = {
      id: this.operations.length + 1,
      kind,
      tenant,
      state: "queued",
      lease: "",
      endedLease: "",
      attempt: 0,
      claimed: null,
      cancelled: false,
      outcome: null,
      steps: new Map(),
    }
    this.operations.push(operation)
    return operation
  }

  /** As if its lease had run out and another sidecar had taken it. */
  giveToAnother(operation: Operation): void {
    operation.lease = randomUUID()
    this.#epochs.set(operation.tenant, this.epochOf(operation.tenant) + 1)
  }

  epochOf(tenant: TenantId): number {
    return this.#epochs.get(tenant) ?? 0
  }

  async hello(_info: HelloInfo): Promise<HelloAnswer> {
    return await this.#answer("hello", () => ({
      protocol: protocolVersion,
      installation: "fake",
      confirmed: true,
      queued: 0,
    }))
  }

  async claim({ requestId, limit, held }: ClaimRequest): Promise<readonly Claim[]> {
    return await this.#answer("claim", () => {
      const known = this.#answers.get(requestId)
      if (known) return known
      const isReady = ({ state, lease }: Operation) =>
        state === "queued" || (state === "running" && this.#leasesRanOut && !held.includes(lease))
      const ready = this.operations.filter(isReady).slice(0, limit)
      const claims = ready.map((operation) => this.#lease(operation))
      this.#answers.set(requestId, claims)
      return claims
    })
  }

  async renew(leases: readonly Renewal[]): Promise<RenewAnswer> {
    return await this.#answer("renew", () => {
      const held = leases.map((renewal) => ({ renewal, operation: this.#held(renewal) }))
      return {
        lost: held.flatMap(({ renewal, operation }) => (operation ? [] : [renewal.operation])),
        cancelled: held.flatMap(({ operation }) => (operation?.cancelled ? [operation.id] : [])),
        moved: held.flatMap(({ operation }) => {
          const spec = operation && this.specs.get(operation.tenant)
          return operation && spec && spec !== operation.claimed ? [{ operation: operation.id, spec }] : []
        }),
      }
    })
  }

  async report(renewal: Renewal, steps: readonly StepReport[], status: TenantStatus | null): Promise<boolean> {
    return await this.#answer("report", () => {
      const operation = this.#held(renewal)
      if (operation) this.#take(operation, steps, status)
      return operation !== null
    })
  }

  async finish(
    renewal: Renewal,
    outcome: Outcome,
    steps: readonly StepReport[],
    status: TenantStatus | null,
  ): Promise<boolean> {
    return await this.#answer("finish", () => {
      const operation = this.#held(renewal)
      if (!operation) return this.#find(renewal.operation).endedLease === renewal.lease
      this.#take(operation, steps, status)
      operation.outcome = outcome
      operation.endedLease = operation.lease
      operation.lease = ""
      operation.state = outcome.kind === "released" ? "queued" : outcome.kind
      if (outcome.kind === "released") operation.attempt -= 1
      return true
    })
  }

  async observed(tenant: TenantId, epoch: number, _seq: string, status: TenantStatus): Promise<boolean> {
    return await this.#answer("observed", () => {
      if (epoch < this.epochOf(tenant)) return false
      this.statuses.set(tenant, status)
      return true
    })
  }

  async request(tenant: TenantId, _kind: OperationKind, reason: string): Promise<boolean> {
    return await this.#answer("request", () => {
      this.asked.push({ tenant, reason })
      this.queue(tenant)
      return true
    })
  }

  async tenants(_targets: readonly string[], only: readonly TenantId[] | null): Promise<readonly TenantSummary[]> {
    this.listed.push(only)
    const wanted = [...this.specs.values()].filter(({ id }) => only?.includes(id) ?? true)
    return await this.#answer("tenants", () =>
      wanted.map((spec) => ({
        id: spec.id,
        desired: spec.desired,
        epoch: this.epochOf(spec.id),
        spec,
      })),
    )
  }

  async ingestUsage(samples: readonly UsageSample[]): Promise<void> {
    await this.#answer("ingestUsage", () => this.samples.push(...samples))
  }

  async #answer<T>(method: Method, work: () => T): Promise<T> {
    this.calls.push(method)
    await Promise.resolve()
    if (this.#away) throw new MasterUnavailable("The fake master is away.")
    const answer = work()
    const losing = this.#losing.get(method) ?? 0
    if (losing === 0) return answer
    this.#losing.set(method, losing - 1)
    throw new MasterUnavailable("The fake master's reply was lost.")
  }

  #lease(operation: Operation): Claim {
    const spec = this.specs.get(operation.tenant) ?? null
    const epoch = this.epochOf(operation.tenant) + 1
    this.#epochs.set(operation.tenant, epoch)
    operation.state = "running"
    operation.lease = randomUUID()
    operation.attempt += 1
    operation.claimed = spec
    const { id, lease, attempt, kind, tenant } = operation
    const base = { operation: id, lease, epoch, attempt }
    if (kind === "check_isolation") return { ...base, kind, target: tenant }
    if (!spec) throw new Error(`The fake master has no tenant ${tenant}`)
    return { ...base, kind, spec }
  }

  #find(id: number): Operation {
    const operation = this.operations.find((one) => one.id === id)
    if (!operation) throw new Error(`The fake master has no operation ${id}`)
    return operation
  }

  #held({ operation: id, lease }: Renewal): Operation | null {
    const operation = this.#find(id)
    return operation.lease === lease ? operation : null
  }

  #take(operation: Operation, steps: readonly StepReport[], status: TenantStatus | null): void {
    for (const step of steps) operation.steps.set(step.number, step)
    if (!status) return
    this.statuses.set(operation.tenant, status)
    if (this.phases.at(-1) !== status.phase) this.phases.push(status.phase)
  }
}
