/** Whether an Odoo answers, asked so that one that is starting is not asked again and again. */
import type { TenantId } from "../../domain/tenant.ts"

/** Long enough for one on a busy machine; whoever is silent for longer serves nobody well. */
const patienceMs = 10_000
/** Whatever is older has started before we have: it is busy where it does not answer at once. */
const startSeconds = 30
/** One that never answered is starting, and its answer is not worth waiting for here. */
const glanceMs = 30

/** Resolves with whether it answered well; never rejects. */
export type Probe = (tenant: TenantId) => Promise<boolean>

export class Health {
  readonly #probe: Probe
  /** Of processes that have answered before, told by tenant and process. */
  readonly #known = new Set<string>()
  readonly #asking = new Map<string, Promise<boolean>>()

  constructor(probe: Probe) {
    this.#probe = probe
  }

  /** `process` tells one start of a tenant from the next. */
  async check(tenant: TenantId, process: string, ageSeconds: number): Promise<boolean> {
    const name = `${tenant} ${process}`
    // While it starts, the question waits in the kernel with those of visitors, for whom there must be room.
    const asking = this.#asking.get(name) ?? this.#ask(tenant, name)
    const isUp = this.#known.has(name) || ageSeconds > startSeconds
    const waitMs = isUp ? patienceMs : glanceMs
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(resolve, waitMs, false)
    })
    const answered = await Promise.race([asking, late])
    clearTimeout(timer)
    return answered
  }

  /** It does not run any more. */
  forget(tenant: TenantId): void {
    for (const name of this.#known) if (name.startsWith(`${tenant} `)) this.#known.delete(name)
  }

  #ask(tenant: TenantId, name: string): Promise<boolean> {
    const asking = this.#probe(tenant).then((answered) => {
      this.#asking.delete(name)
      if (answered) this.#known.add(name)
      return answered
    })
    this.#asking.set(name, asking)
    return asking
  }
}
