import type { Session } from "./benchmark.ts"
import { CleanUp } from "./clean-up.ts"

/**
 * Answers what `measure` answers, round by round. What it defers to the clean-up that it is given is done before the
 * next round begins.
 */
export async function inRounds(
  rounds: number,
  { note, signal, cleanUp }: Session,
  measure: (round: number, cleanUp: CleanUp) => Promise<number>,
): Promise<number[]> {
  const values: number[] = []
  for (let round = 1; round <= rounds; round++) {
    signal.throwIfAborted()
    note(`${round} of ${rounds}`)
    const mine = new CleanUp()
    const release = cleanUp.defer(() => mine.run())
    values.push(await measure(round, mine))
    await release()
  }
  return values
}
