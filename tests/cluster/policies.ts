/** What network policies allow, told by cyclonus: it reads them as the API server has them and asks nobody else. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { run } from "../../scripts/lib/commands.ts"
import type { TestCluster } from "./cluster.ts"
import type { KubeObject } from "./kubectl.ts"

/** A pod, or an address outside of the cluster. */
export type Peer = KubeObject | string

export interface Traffic {
  readonly from: Peer
  readonly to: Peer
  readonly port: number
  readonly protocol?: "TCP" | "UDP"
}

/** One answer for each, in order. `namespaces` are those whose policies count. */
export async function allowed(
  cluster: TestCluster,
  namespaces: readonly string[],
  traffics: readonly Traffic[],
): Promise<boolean[]> {
  const folder = mkdtempSync(join(tmpdir(), "policies-"))
  const file = join(folder, "traffic.json")
  const spaces = await cluster.kubectl.list("namespaces")
  const asked = traffics.map(({ from, to, port, protocol = "TCP" }) => ({
    Source: described(spaces, from),
    Destination: described(spaces, to),
    ResolvedPort: port,
    ResolvedPortName: "",
    Protocol: protocol,
  }))
  try {
    writeFileSync(file, JSON.stringify(asked))
    const where = namespaces.flatMap((name) => ["--namespace", name])
    const args = ["analyze", ...where, "--mode", "query-traffic", "--traffic-path", file]
    const told = await run(cluster.tools.cyclonus, args, { env: { KUBECONFIG: cluster.kubeconfig, HOME: folder } })
    // If it could not read the policies it says so and goes on with none.
    if (/unable to read/.test(told)) throw new Error(`cyclonus did not see the policies:\n${told}`)
    const answers = [...told.matchAll(/IS ALLOWED\?\s*\|\s*(TRUE|FALSE)/gi)].map(([, word]) => /true/i.test(word ?? ""))
    if (answers.length !== traffics.length) throw new Error(`cyclonus answered something else:\n${told}`)
    return answers
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function described(spaces: readonly KubeObject[], peer: Peer): object {
  if (typeof peer === "string") return { IP: peer }
  const { namespace, labels } = peer.metadata
  const found = spaces.find(({ metadata }) => metadata.name === namespace)
  return {
    IP: peer.status.podIP,
    Internal: { Namespace: namespace, NamespaceLabels: found?.metadata.labels ?? {}, PodLabels: labels },
  }
}
