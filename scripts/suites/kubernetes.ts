/**
 * What needs a Kubernetes: two suites, since most of their time is spent waiting for pods. Where none can be had each
 * counts as skipped and says so; REQUIRE_KUBERNETES=1 makes that a failure.
 */
import { prepareCluster } from "../../tests/cluster/cluster.ts"
import { removeOrphans } from "../../tests/cluster/own-cluster.ts"
import { ToDo } from "../lib/packages.ts"
import { type Progress, showProgress } from "../lib/progress.ts"
import { failure, type Result, type Suite, type Surroundings } from "../lib/suite.ts"
import { uvuSuite } from "../lib/uvu.ts"

/** The driver and k8s/, and the cluster that the tests make for themselves. */
export const cluster = inCluster("cluster", "tests/cluster")
/** The whole product with Kubernetes as its target. */
export const kubernetes = inCluster("kubernetes", "tests/kubernetes")

function inCluster(name: string, folder: string): Suite {
  const tests = uvuSuite({ name, folders: [folder] })
  const run = async (around: Surroundings) => {
    try {
      await prepared(around)
    } catch (error) {
      if (!(error instanceof ToDo)) throw error
      return without(name, error)
    }
    try {
      return await tests.run(around)
    } finally {
      await removeOrphans()
    }
  }
  return { ...tests, run: (around) => (process.env.KUBECONFIG ? inTurn(() => run(around)) : run(around)) }
}

let last: Promise<unknown> = Promise.resolve()

/** There is one cluster of KUBECONFIG, and what a test does to it, such as closing its nodes, would disturb another. */
function inTurn(work: () => Promise<Result>): Promise<Result> {
  const result = last.then(work)
  last = result.catch(() => undefined)
  return result
}

async function prepared({ detail, signal }: Surroundings): Promise<void> {
  const withinLine: Progress = (name, work) => {
    detail(name)
    return work({ detail: (text) => detail(`${name}: ${text}`) })
  }
  // The first time takes so long that a log without a word of it looks like the log of something that hangs.
  await unlessAborted(signal, prepareCluster(process.stdout.isTTY ? withinLine : showProgress()))
}

function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true })
  })
  return Promise.race([work, aborted])
}

function without(name: string, { message }: ToDo): Result {
  const problem = `NOTHING WAS TRIED ON KUBERNETES (${name}): none can be had here.\n${message}`
  if (process.env.REQUIRE_KUBERNETES) return failure(problem)
  return { passed: 0, failed: 0, skipped: 1, problems: [problem] }
}
