/**
 * The turn of one operation at the starts that a machine has room for. Copying a template and starting an Odoo on the copy
 * is one start, from the first step of it until the Odoo answers: many that are begun together all end late.
 */
import type { StepKind } from "../domain/plan.ts"
import type { Turns } from "../domain/turns.ts"

const first: ReadonlySet<StepKind> = new Set(["clone_database", "start_runtime"])
const further: ReadonlySet<StepKind> = new Set([
  "prepare_database",
  "create_files",
  "open_database",
  "repair_rights",
  "await_ready",
])

/** Who was never served comes before whoever has been; within them, who asked first. */
export function rankOf(operation: number, isNew: boolean): number {
  return isNew ? operation : operation + 2 ** 32
}

export class StartTurn {
  readonly #turns: Turns | null
  #end: (() => void) | null = null

  /** `turns`: null where somebody else bounds what is started. */
  constructor(turns: Turns | null) {
    this.#turns = turns
  }

  /** Resolves once that step may be done. */
  async await(step: StepKind, rank: number, signal: AbortSignal): Promise<void> {
    if (first.has(step)) this.#end ??= (await this.#turns?.take(rank, signal)) ?? null
    else if (!further.has(step)) this.end()
  }

  end(): void {
    this.#end?.()
    this.#end = null
  }
}
