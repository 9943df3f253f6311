/**
 * The kinds of object that others bring into a cluster (cert-manager, KEDA), as they publish them: out of their Go
 * modules, which nobody builds. Those of Traefik are in every test cluster.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { run } from "../../scripts/lib/commands.ts"
import { ToDo } from "../../scripts/lib/packages.ts"
import type { Kubectl } from "./kubectl.ts"
import { findGo } from "./programs.ts"

const published = [
  {
    module: "github.com/cert-manager/cert-manager@v1.18.2",
    folder: "deploy/crds",
    file: /^crd-(certificates|clusterissuers)\.yaml$/,
  },
  { module: "github.com/kedacore/keda/v2@v2.17.2", folder: "config/crd/bases", file: /^keda\.sh_scaledobjects\.yaml$/ },
] as const

/** Resolves when the API server takes objects of these kinds. What was there before stays; answers what removes the rest. */
export async function addKinds(kubectl: Kubectl): Promise<() => Promise<void>> {
  const manifests = (await Promise.all(published.map(manifestsOf))).flat()
  const there = await kubectl.run(["get", "customresourcedefinitions", "-o", "name"])
  const missing = manifests.filter((one) => !there.includes(`/${/^ {2}name: (\S+)$/m.exec(one)?.[1]}\n`))
  if (missing.length === 0) return async () => undefined
  const text = missing.join("\n---\n")
  await kubectl.run(["apply", "--server-side", "-f", "-"], text)
  await kubectl.run(["wait", "--for=condition=Established", "--timeout=30s", "-f", "-"], text)
  return async () => {
    await kubectl.run(["delete", "-f", "-"], text)
  }
}

async function manifestsOf({ module, folder, file }: (typeof published)[number]): Promise<string[]> {
  const go = findGo()
  if (go === null) throw new ToDo("The kinds of cert-manager and KEDA come by Go's own client. Install Go.")
  const told = await run(go, ["mod", "download", "-json", module], { cwd: "/" })
  const place = join(JSON.parse(told).Dir, folder)
  return readdirSync(place)
    .filter((name) => file.test(name))
    .map((name) => withoutTemplate(readFileSync(join(place, name), "utf8")))
}

/** cert-manager's are templates of Helm, with its words in comments and in labels only. */
function withoutTemplate(text: string): string {
  return text.replace(/^.*\{\{.*\n/gm, "")
}
