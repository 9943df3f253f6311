/** What only Traefik's own kinds can say; other controllers do without it. */
import type { TenantHost } from "../../../domain/tenant.ts"
import { largestBodyMb } from "../../../routing/pages.ts"
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
  /** Above that of every Ingress, which is the length of its rule. */
  readonly priority: number
  readonly middlewares?: readonly { readonly name: string }[]
  readonly services: readonly { readonly name: string; readonly port: number }[]
}

export const headersName = "headers"
const rateName = "sign-in-rate"
const refusedName = "sign-in-refused"
const bodyName = "body-size"
const largeName = "body-refused"
const guardName = "guard"

/** All there may be of a tenant. */
export const traefikNames = [
  ...[headersName, rateName, refusedName, bodyName, largeName].map((name) => ({ kind: "Middleware", name }) as const),
  { kind: "IngressRoute", name: guardName } as const,
]

/** Where the sidecar shows the page of those who tried too often, and of those who sent too much. */
export const tooManyPath = "/too-many"
export const tooLargePath = "/too-large"

/** Attempts to sign in of one visitor: so many at once, and then one every six seconds. */
const burst = 10
const perMinute = 10

/** Whatever somebody uploads, exports or is answered at once; what is larger is kept on Traefik's disk (/tmp). */
const memoryBytes = 4 * 1024 * 1024

/** Wherever a password is tried, in whatever language. */
const signIn = "(?i)^(/[a-z][a-z](_[a-z]+)?)?/(web/(login|session/authenticate)|saas/sign-on)"

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
    middleware(bodyName, {
      buffering: {
        maxRequestBodyBytes: largestBodyMb * 1024 * 1024,
        memRequestBodyBytes: memoryBytes,
        memResponseBodyBytes: memoryBytes,
      },
    }),
    middleware(largeName, {
      errors: { status: ["413"], query: tooLargePath, service: { name: pagesName, port: 80 } },
    }),
  ]
}

/** In front of the Ingress. `isUp`: else nobody signs in or sends anything. */
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
    priority: 30_000,
    services: [{ name: pagesName, port: 80 }],
  }
  const odoo = [{ name: odooName, port: odooPort }]
  const named = (...names: string[]) => names.map((name) => ({ name }))
  const attempts: Rule = {
    kind: "Rule",
    match: `${anyHost} && PathRegexp(\`${signIn}\`) && Method(\`POST\`)`,
    priority: 20_000,
    middlewares: named(refusedName, rateName, headersName, largeName, bodyName),
    services: odoo,
  }
  // Websockets begin with a GET and are none of these: they would not go through a buffer.
  const bodies: Rule = {
    kind: "Rule",
    match: `${anyHost} && (Method(\`POST\`) || Method(\`PUT\`) || Method(\`PATCH\`))`,
    priority: 10_000,
    middlewares: named(headersName, largeName, bodyName),
    services: odoo,
  }
  return {
    apiVersion: "traefik.io/v1alpha1",
    kind: "IngressRoute",
    metadata: metadata(owner, guardName, namespace),
    spec: { entryPoints: [https ? "websecure" : "web"], routes: isUp ? [shut, attempts, bodies] : [shut] },
  }
}
