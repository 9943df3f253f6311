/** A tenant's Service. The Ingress leads there; the sidecar asks the pod behind it. */
export interface ServiceEndpoint {
  readonly namespace: string
  readonly service: string
  readonly port: number
}
