/**
 * kubeconform judges manifests by schemas, which it would get from the internet. These are the cluster's own: what its
 * API server serves, the kinds of Traefik included, strict about fields that it does not know.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { tryRun } from "../../scripts/lib/commands.ts"
import type { TestCluster } from "./cluster.ts"
import type { Kubectl, KubeObject } from "./kubectl.ts"

/** `manifests` is YAML or JSON. Answers what is wrong with them, a sentence each; nothing when all is well. */
export async function nonconformities(cluster: TestCluster, manifests: string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "schemas-"))
  try {
    await writeSchemas(cluster.kubectl, folder)
    const location = join(folder, "{{.Group}}_{{.ResourceAPIVersion}}_{{.ResourceKind}}.json")
    const args = ["-strict", "-output=json", `-schema-location=${location}`, "-"]
    const told = await tryRun(cluster.tools.kubeconform, args, { input: manifests })
    const resources: KubeObject[] = JSON.parse(told.stdout).resources ?? []
    return resources.map(({ kind, name, msg }) => `${kind} ${name}: ${msg}`)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const definitionPrefix = "#/definitions/"

async function writeSchemas(kubectl: Kubectl, folder: string): Promise<void> {
  const definitions: Record<string, KubeObject> = JSON.parse(
    await kubectl.run(["get", "--raw=/openapi/v2"]),
  ).definitions
  const strict = Object.fromEntries(Object.entries(definitions).map(([name, one]) => [name, made(name, one)]))
  for (const [name, { "x-kubernetes-group-version-kind": kinds = [] }] of Object.entries(definitions)) {
    for (const { group, version, kind } of kinds) {
      const used = Object.fromEntries([...reached(name, strict)].map((other) => [other, strict[other]]))
      const schema = { $ref: `${definitionPrefix}${name}`, definitions: used }
      const file = `${group || version}_${version}_${kind.toLowerCase()}.json`
      writeFileSync(join(folder, file), JSON.stringify(schema))
    }
  }
}

/** Quantities and ports may be numbers, which the API server takes without saying so. */
function made(name: string, definition: KubeObject): KubeObject {
  return /\.(IntOrString|Quantity)$/.test(name) ? { type: ["string", "number"] } : closed(definition)
}

/** Without fields that it does not name, down to the innermost object. */
function closed(schema: KubeObject): KubeObject {
  const { properties, items, additionalProperties } = schema
  if (schema["x-kubernetes-int-or-string"]) return { type: ["string", "number"] }
  if (schema["x-kubernetes-preserve-unknown-fields"]) return schema
  const isSchema = (value: unknown): value is KubeObject => typeof value === "object" && value !== null
  const fields = Object.entries<KubeObject>(properties ?? {}).map(([name, field]) => [name, closed(field)])
  return {
    ...schema,
    ...(properties ? { properties: Object.fromEntries(fields), additionalProperties: false } : {}),
    ...(isSchema(additionalProperties) ? { additionalProperties: closed(additionalProperties) } : {}),
    ...(isSchema(items) ? { items: closed(items) } : {}),
  }
}

/** The names of all definitions that this one leads to, itself included. */
function reached(
  name: string,
  definitions: Readonly<Record<string, KubeObject>>,
  found = new Set<string>(),
): Set<string> {
  if (found.has(name)) return found
  found.add(name)
  const text = JSON.stringify(definitions[name] ?? {})
  for (const [, next] of text.matchAll(/"\$ref":"#\/definitions\/([^"]+)"/g))
    if (next) reached(next, definitions, found)
  return found
}
