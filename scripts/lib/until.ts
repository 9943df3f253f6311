import { setTimeout as pause } from "node:timers/promises"

/**
 * Waits for what nobody tells us of by an event (another program's readiness, the end of a process that is not our
 * child). Resolves with the first answer that is not null; throws with the words of `otherwise` after `seconds`.
 */
export async function until<T>(
  ask: () => Promise<T | null> | T | null,
  { seconds, every = 50, otherwise }: { seconds: number; every?: number; otherwise: () => string },
): Promise<T> {
  const end = performance.now() + seconds * 1000
  for (;;) {
    const answer = await ask()
    if (answer !== null) return answer
    if (performance.now() > end) throw new Error(otherwise())
    await pause(every)
  }
}
