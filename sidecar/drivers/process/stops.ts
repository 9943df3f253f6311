/** When we stopped a tenant's Odoo: those ends are no crashes. */
import { readFile } from "node:fs/promises"
import { z } from "zod"
import type { TenantId } from "../../domain/tenant.ts"
import type { Held } from "./holder.ts"
import type { Layout } from "./layout.ts"
import { missingIs, writeAtomically } from "./records.ts"

const stopsSchema = z.array(z.number())
/** As many ends as the holder remembers. */
const kept = 10
const crashWindowSeconds = 600

export class Stops {
  readonly #layout: Layout

  constructor(layout: Layout) {
    this.#layout = layout
  }

  /** `at` is the time of the end as the holder tells it. */
  async note(tenant: TenantId, at: number): Promise<void> {
    const stops = [...(await this.#read(tenant)), at].slice(-kept)
    await writeAtomically(this.#layout.stops(tenant), JSON.stringify(stops), 0o600)
  }

  /** Every end that we have not brought about counts: a tenant can end with every code. */
  async crashesOf(tenant: TenantId, { exits }: Held): Promise<number> {
    const stops = await this.#read(tenant)
    const since = Date.now() / 1000 - crashWindowSeconds
    return exits.filter(({ at }) => at >= since && !stops.includes(at)).length
  }

  async #read(tenant: TenantId): Promise<number[]> {
    const text = await readFile(this.#layout.stops(tenant), "utf8").catch(missingIs("[]"))
    return stopsSchema.parse(JSON.parse(text))
  }
}
