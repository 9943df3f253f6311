/** All that runs as a tenant's user or in its cgroup, whoever started it. */
import { setTimeout as pause } from "node:timers/promises"
import { RetryableError } from "../../domain/errors.ts"
import type { TenantId } from "../../domain/tenant.ts"
import type { Cgroups } from "./cgroups.ts"
import type { Holder } from "./holder.ts"
import type { Places } from "./place.ts"
import { processesOf, signal } from "./proc.ts"

export interface TenantProcessesParts {
  readonly places: Places
  readonly holder: Holder
  readonly cgroups: Cgroups | null
}

const endSeconds = 60
const pollMs = 25

export class TenantProcesses {
  readonly #parts: TenantProcessesParts

  constructor(parts: TenantProcessesParts) {
    this.#parts = parts
  }

  async of(tenant: TenantId): Promise<number[]> {
    const { places, cgroups } = this.#parts
    const uid = (await places.find(tenant))?.uid ?? null
    return uid === null ? ((await cgroups?.processes(tenant)) ?? []) : processesOf(uid)
  }

  /** Its user may be somebody else's one day. */
  async endAll(tenant: TenantId): Promise<void> {
    const { places, holder } = this.#parts
    const uid = (await places.find(tenant))?.uid ?? null
    const deadline = Date.now() + endSeconds * 1000
    for (let left = await this.of(tenant); left.length > 0; left = await this.of(tenant)) {
      if (Date.now() > deadline) throw new RetryableError(`Processes of ${tenant} do not end: ${left.join(", ")}.`)
      if (uid !== null) await holder.end(uid)
      else for (const pid of left) signal(pid, "SIGKILL")
      await pause(pollMs)
    }
  }
}
