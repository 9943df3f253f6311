/** What `kubectl apply -k` would send: of a copy of k8s/ with secrets of its own, so that nobody's are read. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { makeKubernetesSecrets } from "../../scripts/lib/kubernetes-secrets.ts"
import { repo } from "../../scripts/lib/paths.ts"
import { Secrets } from "../../scripts/lib/secrets.ts"
import type { Kubectl, KubeObject } from "./kubectl.ts"

export class Manifests {
  readonly folder: string
  readonly secrets: Secrets
  readonly #kubectl: Kubectl

  constructor(kubectl: Kubectl) {
    this.#kubectl = kubectl
    this.folder = mkdtempSync(join(tmpdir(), "k8s-"))
    cpSync(join(repo, "k8s"), this.folder, { recursive: true, filter: (path) => basename(path) !== "secrets" })
    this.secrets = new Secrets(makeKubernetesSecrets(this.folder))
  }

  /** As YAML; `path` is below k8s. */
  build(path: string): Promise<string> {
    return this.#kubectl.run(["kustomize", join(this.folder, path)])
  }

  async objects(path: string): Promise<KubeObject[]> {
    const text = await this.build(path)
    const told = await this.#kubectl.run(
      ["create", "--dry-run=client", "--validate=false", "-o", "json", "-f", "-"],
      text,
    )
    return objectsIn(told)
  }

  /** Writes an overlay of the test's own beside the others. */
  addOverlay(name: string, files: Readonly<Record<string, string>>): string {
    const path = join("overlays", name)
    cpSync(join(this.folder, "overlays/k3s"), join(this.folder, path), { recursive: true })
    for (const [file, text] of Object.entries(files)) writeFileSync(join(this.folder, path, file), text)
    return path
  }

  remove(): void {
    rmSync(this.folder, { recursive: true })
  }
}

/** kubectl writes a list, or one object after the other. */
function objectsIn(text: string): KubeObject[] {
  const found = JSON.parse(`[${text.trim().replaceAll(/\n\}\n\{\n/g, "\n},\n{\n")}]`) as KubeObject[]
  return found.flatMap((one) => (one.kind === "List" ? one.items : [one]))
}
