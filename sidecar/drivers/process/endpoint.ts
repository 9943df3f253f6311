/** Where a tenant's Odoo listens on this machine. */
export interface LoopbackEndpoint {
  readonly host: string
  readonly port: number
}
