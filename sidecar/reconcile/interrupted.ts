/**
 * Why an act was cut short. `lost`: another worker has the operation now. `cancelled`: a person said so.
 * `released`: the sidecar stops. `moved`: something else is wanted of the tenant now, and planning starts anew.
 */
export type Interruption = "lost" | "cancelled" | "released" | "moved"

export class Interrupted extends Error {
  override readonly name = "Interrupted"
  readonly why: Interruption

  constructor(why: Interruption) {
    super(sentences[why])
    this.why = why
  }
}

const sentences: Record<Interruption, string> = {
  lost: "Another worker has taken this over.",
  cancelled: "Cancelled.",
  released: "The sidecar is stopping; this goes on when it is back.",
  moved: "Something else is wanted now.",
}
