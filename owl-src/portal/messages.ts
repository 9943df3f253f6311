/** What the master sends to a customer's portal page over the bus, as `saas.tenant/progress`. */

export interface PortalStep {
  readonly number: number
  /** A step kind; the page knows its words in the reader's language. */
  readonly name: string
  /** The words for a kind that the page does not know yet. */
  readonly label: string
  readonly state: "running" | "done" | "failed"
}

export interface PortalProgress {
  /** The record's id, as in the page's address. */
  readonly id: number
  readonly phase: string
  readonly steps: readonly PortalStep[]
}
