/** Where a tenant's hosts lead. */
import type { V1HTTPIngressPath, V1IngressSpec, V1IngressStatus } from "@kubernetes/client-node"
import type { RouteState } from "../../../domain/plan.ts"
import type { TenantHost } from "../../../domain/tenant.ts"
import type { Certificates } from "../settings.ts"
import { odooName, odooPort } from "./deployment.ts"
import { annotations, type KubeObject, metadata, type Owner } from "./object.ts"
import { pagesName } from "./service.ts"
import { websocketPort } from "./websocket.ts"

export interface Ingress extends KubeObject {
  readonly spec: V1IngressSpec
  readonly status?: V1IngressStatus
}

export interface IngressParts {
  readonly className: string
  readonly hosts: readonly TenantHost[]
  readonly state: RouteState
  /** Middlewares in the tenant's namespace, where Traefik's own kinds are there. */
  readonly middlewares: readonly string[]
  /** Under the operator's own domain: its wildcard certificate is the controller's default one. */
  readonly https: boolean
  readonly certificates: Certificates | null
}

export const ingressName = "odoo"

/** What nobody gets at from outside, whatever state the tenant is in. Prefixes, as the controller compares them. */
const shut = ["/web/database"]

export function ingress(owner: Owner, namespace: string, parts: IngressParts): Ingress {
  const { className, hosts, state, middlewares, https, certificates } = parts
  const odoo = { service: { name: odooName, port: { number: odooPort } } }
  const websocket = { service: { name: odooName, port: { number: websocketPort } } }
  const pages = { service: { name: pagesName, port: { number: 80 } } }
  const prefix = (path: string, backend: typeof odoo): V1HTTPIngressPath => ({ path, pathType: "Prefix", backend })
  const paths = [
    ...shut.map((path) => prefix(path, pages)),
    ...(state.kind === "up" ? [prefix("/websocket", websocket), prefix("/", odoo)] : [prefix("/", pages)]),
  ]
  const traefik = {
    "traefik.ingress.kubernetes.io/router.entrypoints": https ? "websecure" : "web",
    "traefik.ingress.kubernetes.io/router.middlewares": middlewares
      .map((name) => `${namespace}-${name}@kubernetescrd`)
      .join(","),
  }
  const theirs = certificates ? hosts.filter(({ name }) => !isRightUnder(certificates.domain, name)) : []
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: metadata(owner, ingressName, namespace, {
      annotations: {
        [annotations.route]: JSON.stringify(state),
        ...(middlewares.length > 0 ? traefik : {}),
        ...(certificates && theirs.length > 0 ? { "cert-manager.io/cluster-issuer": certificates.issuer } : {}),
      },
    }),
    spec: {
      ingressClassName: className,
      rules: hosts.map(({ name }) => ({ host: name, http: { paths } })),
      // One each: a domain that does not point here yet keeps no other one waiting.
      ...(theirs.length > 0 ? { tls: theirs.map(({ name }) => ({ hosts: [name], secretName: `tls-${name}` })) } : {}),
    },
  }
}

/** A wildcard stands for one label. */
function isRightUnder(domain: string, host: string): boolean {
  return host.slice(host.indexOf(".") + 1) === domain
}

/** For every host that no tenant has, and for those whose pod is not there in this moment. */
export function fallback(owner: Owner, namespace: string, className: string): Ingress {
  const backend = { service: { name: pagesName, port: { number: 80 } } }
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: metadata(owner, "fallback", namespace),
    spec: { ingressClassName: className, rules: [{ http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }] },
  }
}
