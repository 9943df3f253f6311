import type { KeyObject } from "node:crypto"
import type { Middleware } from "koa"
import { z } from "zod"
import { isSubject, isTenantId } from "../domain/names.ts"
import { signMessage } from "../domain/tokens.ts"
import { readJson } from "./body.ts"

const word = z.string().trim().min(1, "it must not be empty").max(254)

const signOnRequest = z.strictObject({
  tenant: z.string().refine(isTenantId, "it is not a tenant's id"),
  subject: z.string().refine(isSubject, "it is nobody's subject"),
  login: word,
  name: word,
  staff: z.boolean(),
  reason: z.string().max(500),
})

/** Signs what lets one person into one tenant, once and within a minute. Who may ask is the master's to decide. */
export function signOn(key: KeyObject): Middleware {
  return async (context) => {
    const { tenant, ...data } = await readJson(context, signOnRequest)
    if (data.staff && data.reason.trim() === "") context.throw(422, "Staff sign on with a reason.")
    context.body = { token: signMessage(key, tenant, { act: "sign_on", data }, Date.now()) }
  }
}
