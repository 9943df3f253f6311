/** A benchmark: a world that is made once, and parts that measure in it one after the other. */
import type { CleanUp } from "./clean-up.ts"
import type { Measurement } from "./measurement.ts"

export interface Session {
  /** Aborted when somebody wants it to end; then nothing new may be started. */
  readonly signal: AbortSignal
  readonly cleanUp: CleanUp
  /** Tells whoever watches how far it has come. */
  readonly note: (text: string) => void
}

export interface Part {
  readonly name: string
  readonly measure: (session: Session) => Promise<readonly Measurement[]>
}

export interface Benchmark {
  readonly name: string
  readonly parts: readonly string[]
  readonly open: (session: Session) => Promise<readonly Part[]>
}

type Measure<W> = (world: W, session: Session) => Promise<readonly Measurement[]>

/** The parts are measured in the order in which they are given. */
export function benchmark<W>(
  name: string,
  open: (session: Session) => Promise<W>,
  parts: Readonly<Record<string, Measure<W>>>,
): Benchmark {
  return {
    name,
    parts: Object.keys(parts),
    open: async (session) => {
      const world = await open(session)
      return Object.entries(parts).map(([part, measure]) => ({ name: part, measure: (now) => measure(world, now) }))
    },
  }
}
