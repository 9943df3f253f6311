/** How a tenant's Odoo is found, and how pages of the sidecar are shown in its place. */
import type { V1Endpoint, V1ServiceSpec } from "@kubernetes/client-node"
import type { Limits } from "../../../domain/tenant.ts"
import { odooName, odooPort } from "./deployment.ts"
import { type KubeObject, labels, metadata, type Owner } from "./object.ts"
import { websocketName, websocketPort } from "./websocket.ts"

export interface Service extends KubeObject {
  readonly spec: V1ServiceSpec
}

export interface EndpointSlice extends KubeObject {
  readonly addressType: "IPv4"
  readonly endpoints: readonly V1Endpoint[]
  readonly ports: readonly { readonly name: string; readonly port: number; readonly protocol: "TCP" }[]
}

export interface Address {
  readonly host: string
  readonly port: number
}

export const pagesName = "pages"

const httpPort = { name: "http", port: odooPort, protocol: "TCP" } as const

/** Websockets have a port of their own whoever answers them, so that no route changes with a plan. */
export function odooService(owner: Owner, namespace: string, { workers }: Pick<Limits, "workers">): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: metadata(owner, odooName, namespace),
    spec: {
      type: "ClusterIP",
      selector: { [labels.tenant]: owner.tenant, [labels.part]: odooName },
      ports: [
        { ...httpPort, targetPort: "http" },
        { name: websocketName, port: websocketPort, protocol: "TCP", targetPort: workers > 0 ? websocketName : "http" },
      ],
    },
  }
}

/** An Ingress cannot name a Service of another namespace, so each has one without a selector that leads to the sidecar. */
export function pagesService(owner: Owner, namespace: string): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: metadata(owner, pagesName, namespace),
    spec: { type: "ClusterIP", ports: [{ ...httpPort, port: 80 }] },
  }
}

export function pagesEndpoints(owner: Owner, namespace: string, { host, port }: Address): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: metadata(owner, pagesName, namespace, { labels: { "kubernetes.io/service-name": pagesName } }),
    addressType: "IPv4",
    endpoints: [{ addresses: [host], conditions: { ready: true } }],
    ports: [{ name: httpPort.name, port, protocol: "TCP" }],
  }
}
