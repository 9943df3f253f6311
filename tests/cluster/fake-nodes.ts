/**
 * Nodes that only look real: kwok tells the API server what a kubelet would, and runs nothing. They are for spreading
 * and for numbers, since thousands of their pods cost no more than their objects.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { until } from "../../scripts/lib/until.ts"
import type { TestCluster } from "./cluster.ts"
import type { KubeObject } from "./kubectl.ts"

const mark = "kwok.x-k8s.io/node"

/** What a pod must tolerate to be put on one; real pods never do. */
export const fakeToleration = { key: mark, operator: "Equal", value: "fake", effect: "NoSchedule" } as const

export interface FakeNodes {
  readonly names: readonly string[]
  remove(): Promise<void>
}

/** Resolves when all are ready. `forAll`: pods that tolerate nothing are put on them, too. */
export async function addFakeNodes(cluster: TestCluster, count: number, { forAll = false } = {}): Promise<FakeNodes> {
  const { kubectl, tools, kubeconfig, fakePods } = cluster
  const names = Array.from({ length: count }, (_, at) => `fake-${String(at + 1).padStart(3, "0")}`)
  const args = [
    tools.kwok,
    `--kubeconfig=${kubeconfig}`,
    "--manage-all-nodes=false",
    // Else a busy machine is late with the heartbeats, and the pods of a node that was late are never ready again.
    "--node-lease-duration-seconds=40",
    `--manage-nodes-with-annotation-selector=${mark}=fake`,
    ...(fakePods === null ? [] : [`--cidr=${fakePods}`]),
  ]
  // It ends with this process, however that ends.
  const kwok = spawn("setpriv", ["--pdeathsig", "KILL", "--", ...args], { stdio: ["ignore", "ignore", "pipe"] })
  let said = ""
  kwok.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-4000)
  })
  const remove = async () => {
    await kubectl.run(["delete", "node", "--ignore-not-found", ...names])
    if (kwok.exitCode !== null || kwok.signalCode !== null) return
    kwok.kill("SIGKILL")
    await once(kwok, "exit")
  }
  try {
    await kubectl.apply(...names.map((name) => nodeNamed(name, forAll)))
    await until(
      async () => {
        if (kwok.exitCode !== null) throw new Error(`kwok ended with ${kwok.exitCode}. ${said}`)
        const nodes = (await kubectl.list("nodes")).filter(({ metadata }) => names.includes(metadata.name))
        return nodes.every(isReady) ? true : null
      },
      { seconds: 60, every: 300, otherwise: () => `kwok does not make its nodes ready. ${said}` },
    )
    return { names, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

function nodeNamed(name: string, forAll: boolean): KubeObject {
  const labels = { "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", type: "kwok" }
  const room = { cpu: "32", memory: "256Gi", pods: "1000" }
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels, annotations: { [mark]: "fake" } },
    spec: forAll ? {} : { taints: [{ key: mark, value: "fake", effect: "NoSchedule" }] },
    status: { allocatable: room, capacity: room },
  }
}

function isReady({ status }: KubeObject): boolean {
  const conditions: KubeObject[] = status.conditions ?? []
  return conditions.some(({ type, status }) => type === "Ready" && status === "True")
}
