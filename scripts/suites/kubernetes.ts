/**
 * What needs a Kubernetes. Where none can be had it counts as skipped and says so; REQUIRE_KUBERNETES=1 makes that a
 * failure.
 */
import { prepareCluster } from "../../tests/cluster/cluster.ts"
import { removeOrphans } from "../../tests/cluster/own-cluster.ts"
import { ToDo } from "../lib/packages.ts"
import { type Progress, showProgress } from "../lib/progress.ts"
import { failure, type Result, type Suite } from "../lib/suite.ts"
import { uvuSuite } from "../lib/uvu.ts"

const tests = uvuSuite({ name: "kubernetes", folders: ["tests/cluster"] })

export const kubernetes: Suite = {
  ...tests,
  async run(around) {
    const withinLine: Progress = (name, work) => {
      around.detail(name)
      return work({ detail: (text) => around.detail(`${name}: ${text}`) })
    }
    try {
      // The first time takes so long that a log without a word of it looks like the log of something that hangs.
      await unlessAborted(around.signal, prepareCluster(process.stdout.isTTY ? withinLine : showProgress()))
    } catch (error) {
      if (!(error instanceof ToDo)) throw error
      return without(error)
    }
    try {
      return await tests.run(around)
    } finally {
      await removeOrphans()
    }
  },
}

function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true })
  })
  return Promise.race([work, aborted])
}

function without({ message }: ToDo): Result {
  const problem = `NOTHING WAS TRIED ON KUBERNETES: none can be had here.\n${message}`
  if (process.env.REQUIRE_KUBERNETES) return failure(problem)
  return { passed: 0, failed: 0, skipped: 1, problems: [problem] }
}
