/** Real workers between a fake master and a fake world. */
import { pino } from "pino"
import { Metrics } from "../../../sidecar/http/metrics.ts"
import { Worker, type WorkerOptions } from "../../../sidecar/reconcile/worker.ts"
import { until } from "../../helpers/wait.ts"
import type { FakeMaster, Operation } from "./fake-master.ts"
import type { FakeWorld } from "./fake-world.ts"

/** What a worker and a patrol stand on alike. */
export type Surroundings = Pick<WorkerOptions<string>, "master" | "world" | "telemetry" | "log" | "gate">

export function surroundings(master: FakeMaster, { world }: FakeWorld): Surroundings {
  return { master, world, telemetry: new Metrics(), log: pino({ level: "silent" }), gate: async () => undefined }
}

export class Workers {
  readonly #around: Surroundings
  readonly #all: Worker<string>[] = []

  constructor(around: Surroundings) {
    this.#around = around
  }

  start(changes: Partial<WorkerOptions<string>> = {}): Worker<string> {
    const numbers = { maxOperations: 4, leaseSeconds: 0.3, pollSeconds: 0.05, graceSeconds: 5 }
    const worker = new Worker({ name: "worker", ...this.#around, ...numbers, ...changes })
    this.#all.push(worker)
    worker.start()
    return worker
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.map((worker) => worker.stop()))
  }
}

export async function ended(operation: Operation, worker?: Worker<string>): Promise<Operation> {
  worker?.nudge()
  await until("the operation has ended", async () => operation.state !== "queued" && operation.state !== "running", {
    seconds: 5,
    everyMs: 5,
  })
  return operation
}

export function reasonOf({ outcome }: Operation): string {
  return outcome !== null && "reason" in outcome ? outcome.reason : ""
}
