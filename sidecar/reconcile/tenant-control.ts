/** Signed messages to the saas_tenant addon inside a tenant. Its answers are a tenant's word: never trusted further. */
import type { KeyObject } from "node:crypto"
import { z } from "zod"
import { RetryableError } from "../domain/errors.ts"
import type { SeenTenant } from "../domain/plan.ts"
import type { TenantId } from "../domain/tenant.ts"
import { type Message, signMessage } from "../domain/tokens.ts"
import type { Runtime } from "../drivers/driver.ts"

const controlPath = "/saas/control"
/** Whoever is silent for longer is shown as one that does not answer. */
const stateSeconds = 15
/** Installing a language takes minutes on a busy machine, and told anew it would be installed a second time beside that. */
const tellSeconds = 900

const state = z.object({ ok: z.literal(true), bootstrapped: z.boolean(), settings: z.string().max(64) })
const refusal = z.object({ ok: z.literal(false), error: z.string() })

/** A tenant's own words, shown to staff: no more than a person reads. */
const longestRefusal = 300

export class TenantControl {
  readonly #runtime: Pick<Runtime<unknown>, "request">
  readonly #key: KeyObject
  readonly #now: () => number

  constructor(runtime: Pick<Runtime<unknown>, "request">, key: KeyObject, now: () => number = Date.now) {
    this.#runtime = runtime
    this.#key = key
    this.#now = now
  }

  /** null where saas_tenant does not answer as it should: the tenant is starting, or somebody broke it from inside. */
  async state(tenant: TenantId, seconds = stateSeconds): Promise<SeenTenant | null> {
    let body: string
    try {
      body = (await this.#post(tenant, { act: "state" }, seconds)).body
    } catch (error) {
      if (error instanceof RetryableError) return null
      throw error
    }
    const parsed = state.safeParse(parseJson(body))
    return parsed.success ? { bootstrapped: parsed.data.bootstrapped, settings: parsed.data.settings } : null
  }

  /** Throws a RetryableError with the tenant's reason when it refuses. */
  async tell(tenant: TenantId, message: Message): Promise<void> {
    const { status, body } = await this.#post(tenant, message, tellSeconds)
    if (status === 200) return
    const refused = refusal.safeParse(parseJson(body))
    const reason = refused.success ? `: ${refused.data.error.slice(0, longestRefusal)}` : ""
    throw new RetryableError(`The tenant did not accept the message "${message.act}" (HTTP ${status})${reason}`)
  }

  async #post(tenant: TenantId, message: Message, seconds: number): ReturnType<Runtime<unknown>["request"]> {
    const token = signMessage(this.#key, tenant, message, this.#now())
    return await this.#runtime.request(tenant, controlPath, token, seconds)
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Whatever is not JSON is no answer; the schema says so.
    return undefined
  }
}
