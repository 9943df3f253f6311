import { createHash, timingSafeEqual } from "node:crypto"
import type { Middleware } from "koa"

/** Lets only those pass who show the token. How long a refusal takes tells nothing about it. */
export function bearer(token: string): Middleware {
  const wanted = digest(`Bearer ${token}`)
  return async (context, next) => {
    if (!timingSafeEqual(digest(context.get("authorization")), wanted)) {
      context.set("WWW-Authenticate", "Bearer")
      context.throw(
        401,
        "The token is missing or wrong. Give the master the same SAAS_NUDGE_TOKEN_FILE as the sidecar.",
      )
    }
    await next()
  }
}

/** Equal lengths, which timingSafeEqual asks for. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest()
}
