/**
 * A fake: a world in memory, made of the model that the plan's properties are tried on. Its acts refuse stale epochs as
 * real drivers do, and can be held in the middle. That the real drivers do the same is tried in tests/contract.
 */
import { createPublicKey, verify } from "node:crypto"
import { RetryableError, StaleEpoch } from "../../../sidecar/domain/errors.ts"
import type { CheckStepKind, Step, StepKind } from "../../../sidecar/domain/plan.ts"
import type { Surroundings } from "../../../sidecar/domain/settings.ts"
import type { TenantId, TenantSpec } from "../../../sidecar/domain/tenant.ts"
import { publicKey, signingKey } from "../../../sidecar/domain/tokens.ts"
import type { Fence, Target } from "../../../sidecar/drivers/driver.ts"
import type { IsolationWay } from "../../../sidecar/odoo/port.ts"
import { TenantControl } from "../../../sidecar/reconcile/tenant-control.ts"
import type { World } from "../../../sidecar/reconcile/world.ts"
import { applyStep, emptyModel, type Model, observeModel } from "./model.ts"

interface Hold {
  readonly reached: Promise<void>
  release(): void
}

interface Gate {
  readonly arrive: () => void
  readonly open: Promise<void>
}

const root = Buffer.alloc(32, 1)
const surroundings: Surroundings = { urlScheme: "http", urlPort: ":8080", mail: false }

export class FakeWorld {
  readonly models = new Map<TenantId, Model>()
  /** What was done, in order: `tenant step`. */
  readonly acts: string[] = []
  /** Of whom it was told that everything has been answered. */
  readonly settled: TenantId[] = []
  /** Thrown by the step instead of doing it, until taken away. */
  readonly failing = new Map<StepKind, Error>()
  /** Done without any effect. */
  readonly idle = new Set<StepKind>()
  /** Awaited by whoever looks at the tenant. */
  readonly looks = new Map<TenantId, () => Promise<void>>()
  /** What a check of the target's isolation finds. */
  ways: readonly IsolationWay[] = []
  readonly #gates = new Map<StepKind, Gate>()
  readonly #epochs = new Map<string, number>()
  readonly #specs = new Map<TenantId, TenantSpec>()
  #changed: (tenant: TenantId) => void = () => undefined
  readonly world: World<string>

  constructor() {
    const target = this.#target()
    this.world = {
      target,
      surroundings,
      control: new TenantControl(target.runtime, signingKey(root)),
      templates: {
        observe: async () => (this.#any((model) => model.template) ? "ready" : "absent"),
        build: (_template, fence) => this.#do({ kind: "build_template" }, fence),
      },
      databases: {
        raise: async (fence) => {
          this.#raise(fence)
          return "unknown"
        },
        settle: async ({ tenant }) => void this.settled.push(tenant),
        observe: async (spec) => {
          this.#specs.set(spec.id, spec)
          await this.looks.get(spec.id)?.()
          return observeModel(this.modelOf(spec.id)).database
        },
        clone: (_spec, fence) => this.#do({ kind: "clone_database" }, fence),
        prepare: (_spec, fence) => this.#do({ kind: "prepare_database" }, fence),
        open: (_spec, fence) => this.#do({ kind: "open_database" }, fence),
        repairRights: (_spec, fence) => this.#do({ kind: "repair_rights" }, fence),
        giveConnections: (_spec, fence) => this.#do({ kind: "give_connections" }, fence),
        drop: (_spec, fence) => this.#do({ kind: "drop_database" }, fence),
        usage: async ({ id }) => {
          const { activeUsers } = observeModel(this.modelOf(id))
          return activeUsers === null ? null : { activeUsers, megabytes: 48 }
        },
        find: async () => [],
        ping: async () => undefined,
        problems: async () => [],
        close: async () => undefined,
      },
    }
  }

  modelOf(tenant: TenantId): Model {
    return this.models.get(tenant) ?? emptyModel
  }

  /** All that was done to this tenant, in order. */
  actsOf(tenant: TenantId): string[] {
    return this.acts.flatMap((act) => (act.startsWith(`${tenant} `) ? [act.slice(tenant.length + 1)] : []))
  }

  /** The next act of that kind stops in its middle until released; it ends at once when aborted. */
  hold(kind: StepKind): Hold {
    let arrive: () => void = () => undefined
    let release: () => void = () => undefined
    const reached = new Promise<void>((resolve) => {
      arrive = resolve
    })
    const open = new Promise<void>((resolve) => {
      release = resolve
    })
    this.#gates.set(kind, { arrive, open })
    return { reached, release }
  }

  /** The tenant's Odoo ends by itself. */
  crash(tenant: TenantId): void {
    const { runtime } = this.modelOf(tenant)
    this.#change(tenant, { runtime: { state: "stopped", fingerprint: "", crashes: runtime.crashes + 1 } })
    this.#changed(tenant)
  }

  #change(tenant: TenantId, changes: Partial<Model>): void {
    this.models.set(tenant, { ...this.modelOf(tenant), ...changes })
  }

  #any(condition: (model: Model) => boolean): boolean {
    return [...this.models.values()].some(condition)
  }

  #raise({ tenant, epoch }: Fence): void {
    const highest = this.#epochs.get(tenant) ?? 0
    if (epoch < highest) throw new StaleEpoch(`Epoch ${epoch} of ${tenant} is over.`)
    this.#epochs.set(tenant, epoch)
  }

  async #pass(kind: StepKind, signal: AbortSignal): Promise<void> {
    const gate = this.#gates.get(kind)
    this.#gates.delete(kind)
    if (gate) {
      gate.arrive()
      await Promise.race([gate.open, aborted(signal)])
    }
    const failure = this.failing.get(kind)
    if (failure) throw failure
  }

  async #probe(kind: CheckStepKind, { epoch, signal }: Fence): Promise<void> {
    await this.#pass(kind, signal)
    this.acts.push(`${kind} ${epoch}`)
  }

  async #do(step: Step, fence: Fence): Promise<void> {
    this.#raise(fence)
    await this.#pass(step.kind, fence.signal)
    this.#raise(fence)
    this.acts.push(`${fence.tenant} ${step.kind}`)
    if (this.idle.has(step.kind)) return
    const spec = this.#specs.get(fence.tenant)
    if (!spec) throw new Error(`Nobody looked at ${fence.tenant} before acting`)
    // Templates belong to nobody: what one tenant has built is there for all.
    const model = { ...this.modelOf(fence.tenant), template: this.#any(({ template }) => template) }
    this.models.set(fence.tenant, applyStep(model, step, spec))
  }

  #target(): Target<string> {
    return {
      name: "local",
      servers: {
        observe: async ({ id }) => observeModel(this.modelOf(id)).server,
        ensure: (_spec, fence) => this.#do({ kind: "make_server" }, fence),
        remove: (_spec, fence) => this.#do({ kind: "remove_server" }, fence),
        describe: async () => [],
      },
      runtime: {
        fingerprint: (spec) => `runtime ${spec.limits.memoryMb}`,
        ensure: async (spec, fence) => {
          await this.#do({ kind: "start_runtime" }, fence)
          // A fake Odoo is up at once.
          this.#change(spec.id, { runtime: { ...this.modelOf(spec.id).runtime, state: "ready" } })
          return spec.id
        },
        observe: async (tenant) => this.modelOf(tenant).runtime,
        endpoint: async ({ tenant }) => tenant,
        request: async (tenant, _path, body) => this.#hear(tenant, body),
        stop: (fence) => this.#do({ kind: "stop_runtime" }, fence),
        remove: async () => undefined,
        logs: async () => "the last line",
      },
      files: {
        ensure: (_spec, fence) => this.#do({ kind: "create_files" }, fence),
        observe: async (tenant) => observeModel(this.modelOf(tenant)).files,
        usage: async () => 3,
        remove: (fence) => this.#do({ kind: "remove_files" }, fence),
      },
      backups: {
        observe: async (tenant) => observeModel(this.modelOf(tenant)).finalBackup,
        take: (_spec, fence) => this.#do({ kind: "back_up" }, fence),
        verify: (_spec, fence) => this.#do({ kind: "verify_backup" }, fence),
        shelve: (fence) => this.#do({ kind: "shelve_backup" }, fence),
      },
      router: {
        apply: (fence, _endpoint, hosts, state) =>
          this.#do({ kind: state.kind === "up" ? "route" : "divert", hosts, state }, fence),
        observe: async (tenant) => this.modelOf(tenant).route,
        remove: (fence) => this.#do({ kind: "remove_route" }, fence),
      },
      find: async () => [...this.models.keys()].map((id) => ({ id, ownServer: false })),
      describe: async () => ({
        name: "local",
        kind: "process",
        ready: true,
        notes: [],
        missingIsolation: [],
        memoryMb: 1024,
        cpuMilli: 1000,
        dedicatedServers: false,
        checksIsolation: true,
      }),
      isolation: {
        start: (fence) => this.#probe("start_probes", fence),
        try: async (fence) => {
          await this.#probe("try_ways", fence)
          return this.ways
        },
        remove: async ({ epoch }) => {
          this.acts.push(`remove_probes ${epoch}`)
        },
      },
      watch: (changed) => {
        this.#changed = changed
        return async () => undefined
      },
      close: async () => undefined,
    }
  }

  /** The saas_tenant addon inside: it believes what is signed, and nothing else. */
  #hear(tenant: TenantId, token: string): { status: number; body: string } {
    const model = this.modelOf(tenant)
    if (model.runtime.state !== "ready") throw new RetryableError("nobody listens")
    const [first = "", second = ""] = token.split(".")
    const x = Buffer.from(publicKey(root), "base64").toString("base64url")
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" })
    if (!verify(null, Buffer.from(first, "ascii"), key, Buffer.from(second, "base64url"))) {
      return { status: 403, body: JSON.stringify({ ok: false, error: "This is not signed." }) }
    }
    const payload = JSON.parse(Buffer.from(first, "base64url").toString("utf8"))
    const did = (changes: Partial<Model>) => {
      this.acts.push(`${tenant} ${payload.act}`)
      this.#change(tenant, changes)
    }
    if (payload.act === "bootstrap") did({ bootstrapped: true })
    if (payload.act === "settings") did({ settings: payload.data.fingerprint })
    if (payload.act === "deactivate_users") did({ users: Math.min(model.users, payload.data.keep) })
    const { bootstrapped, settings } = this.modelOf(tenant)
    return { status: 200, body: JSON.stringify({ ok: true, bootstrapped, settings, users: model.users }) }
  }
}

async function aborted(signal: AbortSignal): Promise<never> {
  return await new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener("abort", () => reject(signal.reason), { once: true })
  })
}
