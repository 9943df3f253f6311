/** What only Traefik's own kinds can say; other controllers do without it. */
import type { TenantHost } from "../../../domain/tenant.ts"
import { largestBodyMb } from "../../../routing/page-words.ts"
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

const headersName = "headers"
const startingName = "starting"
const interruptedName = "interrupted"
/** Of every request that asks for something, in the order in which they are passed. */
export const everyRequest: readonly string[] = [headersName, startingName]
/** Of those that may change something: nobody is to send them again unasked. */
const everySending: readonly string[] = [headersName, interruptedName]
const rateName = "sign-in-rate"
const refusedName = "sign-in-refused"
const bodyName = "body-size"
const largeName = "body-refused"
const foreignName = "websocket-refused"
const guardName = "guard"

/** All there may be of a tenant. */
export const traefikNames = [
  ...[headersName, startingName, interruptedName, rateName, refusedName, bodyName, largeName, foreignName].map(
    (name) => ({ kind: "Middleware", name }) as const,
  ),
  { kind: "IngressRoute", name: guardName } as const,
]

/** Where the sidecar shows the page of those who tried too often, and of those who sent too much. */
export const tooManyPath = "/too-many"
export const tooLargePath = "/too-large"
/** Of those who were sent to a pod that ends in that moment, or has just ended: Traefik hears of it a little later. */
export const startingPath = "/starting"
export const interruptedPath = "/interrupted"
/** Of a websocket that another site asks for. */
export const foreignPath = "/foreign"
const nobodyThere = ["502", "504"]

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
  const page = (name: string, status: readonly string[], query: string) =>
    middleware(name, { errors: { status, query, service: { name: pagesName, port: 80 } } })
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
    page(startingName, nobodyThere, startingPath),
    page(interruptedName, nobodyThere, interruptedPath),
    middleware(rateName, { rateLimit: { average: perMinute, period: "1m", burst } }),
    page(refusedName, ["429"], tooManyPath),
    middleware(bodyName, {
      buffering: {
        maxRequestBodyBytes: largestBodyMb * 1024 * 1024,
        memRequestBodyBytes: memoryBytes,
        memResponseBodyBytes: memoryBytes,
      },
    }),
    page(largeName, ["413"], tooLargePath),
    middleware(foreignName, { replacePath: { path: foreignPath } }),
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
  // A browser says which page has asked for a websocket, and sends the cookies of the host to whoever asks.
  const own = hosts.map(({ name }) => name.replaceAll(".", "\\.")).join("|")
  const foreign: Rule = {
    kind: "Rule",
    match:
      `${anyHost} && HeaderRegexp(\`Upgrade\`, \`(?i)websocket\`) && HeaderRegexp(\`Origin\`, \`.\`) && ` +
      `!HeaderRegexp(\`Origin\`, \`(?i)^https?://(${own})(:[0-9]{1,5})?$\`)`,
    priority: 25_000,
    middlewares: named(foreignName),
    services: [{ name: pagesName, port: 80 }],
  }
  const attempts: Rule = {
    kind: "Rule",
    match: `${anyHost} && PathRegexp(\`${signIn}\`) && Method(\`POST\`)`,
    priority: 20_000,
    middlewares: named(refusedName, rateName, ...everySending, largeName, bodyName),
    services: odoo,
  }
  // Websockets begin with a GET and are none of these: they would not go through a buffer.
  const bodies: Rule = {
    kind: "Rule",
    match: `${anyHost} && (Method(\`POST\`) || Method(\`PUT\`) || Method(\`PATCH\`))`,
    priority: 10_000,
    middlewares: named(...everySending, largeName, bodyName),
    services: odoo,
  }
  return {
    apiVersion: "traefik.io/v1alpha1",
    kind: "IngressRoute",
    metadata: metadata(owner, guardName, namespace),
    spec: { entryPoints: [https ? "websecure" : "web"], routes: isUp ? [shut, foreign, attempts, bodies] : [shut] },
  }
}
