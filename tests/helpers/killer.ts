/** SIGKILL for a sidecar at the moment when a step has ended; then it is started again. */
import { strict as assert } from "node:assert"
import type { StepKind } from "../../sidecar/domain/plan.ts"
import type { Server } from "./installation.ts"
import { SidecarLog } from "./sidecar-log.ts"

export class Killer {
  readonly #sidecar: Server
  readonly #after = new Set<StepKind>()

  constructor(sidecar: Server) {
    this.#sidecar = sidecar
  }

  /** Sees only what ends from now on. */
  log(): SidecarLog {
    return new SidecarLog(this.#sidecar.log)
  }

  /** Begins something, kills the sidecar after each of these steps, and starts it again each time. */
  async afterEach(steps: readonly StepKind[], begin: () => Promise<void>): Promise<void> {
    // One look at the whole log: a quick step may have ended before the kill that followed the one before it.
    const log = this.log()
    await begin()
    for (const step of steps) {
      await this.once(log, step)
      await this.#sidecar.start()
    }
  }

  /** Leaves it dead. */
  async once(log: SidecarLog, step: StepKind): Promise<void> {
    // A template is built in half a minute where nothing else runs.
    await log.stepEnded(step, 300)
    await this.#sidecar.kill()
    this.#after.add(step)
  }

  assertKilledAfter(steps: readonly string[]): void {
    assert.deepEqual([...this.#after].sort(), [...steps].sort())
  }
}
