/** What only Traefik's own kinds can say; other controllers do without it. */
import type { TenantHost } from "../../../domain/tenant.ts"
import { odooName, odooPort } from "./deployment.ts"
import { type KubeObject, metadata, type Owner } from "./object.ts"
import { pagesName } from "./service.ts"

export interface Middleware extends KubeObject {
  readonly spec: object
}

export interface IngressRoute extends KubeObject {
  readonly spec: { readonly entryPoints: readonly string[]; readonly routes: readonly Rule[] }
}

interface Rule {
  readonly kind: "Rule"
  readonly match: string
  readonly middlewares?: readonly { readonly name: string }[]
  readonly services: readonly { readonly name: string; readonly port: number }[]
}

export const headersName = "headers"
const rateName = "sign-in-rate"
const refusedName = "sign-in-refused"

/** Where the sidecar shows the page of those who tried too often. */
export const tooManyPath = "/too-many"

/** Attempts to sign in of one visitor: so many at once, and then one every six seconds. */
const burst = 10
const perMinute = 10

/** Written with dots, escapes or capitals, too: Odoo would take some of them for its database manager. */
const manager = "(?i)web(/|%2f)+(\\./)*database"

export function middlewares(owner: Owner, namespace: string): Middleware[] {
  const middleware = (name: string, spec: object): Middleware => ({
    apiVersion: "traefik.io/v1alpha1",
    kind: "Middleware",
    metadata: metadata(owner, name, namespace),
    spec,
  })
  return [
    middleware(headersName, {
      headers: {
        customResponseHeaders: {
          "X-Content-Type-Options": "nosniff",
          "X-Frame-Options": "SAMEORIGIN",
          "Referrer-Policy": "strict-origin-when-cross-origin",
          // Empty takes it away: nobody needs to know which version of what answers.
          Server: "",
        },
      },
    }),
    middleware(rateName, { rateLimit: { average: perMinute, period: "1m", burst } }),
    middleware(refusedName, {
      errors: { status: ["429"], query: tooManyPath, service: { name: pagesName, port: 80 } },
    }),
  ]
}

/** In front of the Ingress: Traefik prefers the longer rule. `isUp`: else nobody signs in. */
export function guard(
  owner: Owner,
  namespace: string,
  parts: { readonly hosts: readonly TenantHost[]; readonly isUp: boolean; readonly https: boolean },
): IngressRoute {
  const { hosts, isUp, https } = parts
  const anyHost = `(${hosts.map(({ name }) => `Host(\`${name}\`)`).join(" || ")})`
  const shut: Rule = {
    kind: "Rule",
    match: `${anyHost} && PathRegexp(\`${manager}\`)`,
    services: [{ name: pagesName, port: 80 }],
  }
  const signIn: Rule = {
    kind: "Rule",
    match: `${anyHost} && Path(\`/web/login\`) && Method(\`POST\`)`,
    middlewares: [refusedName, rateName, headersName].map((name) => ({ name })),
    services: [{ name: odooName, port: odooPort }],
  }
  return {
    apiVersion: "traefik.io/v1alpha1",
    kind: "IngressRoute",
    metadata: metadata(owner, "guard", namespace),
    spec: { entryPoints: [https ? "websecure" : "web"], routes: isUp ? [shut, signIn] : [shut] },
  }
}
