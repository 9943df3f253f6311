/**
 * Puts images into a containerd without a registry, and without packing gigabytes only to unpack them: a layer is
 * filled in the very folder where containerd keeps it, and what is imported is the few lines that describe it.
 */
import { createHash, randomBytes } from "node:crypto"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { run } from "../../scripts/lib/commands.ts"
import type { Containerd } from "./containerd.ts"

export interface Image {
  /** With registry and tag, such as localhost/pause:1. */
  readonly name: string
  /** Name of the image whose layers it begins with, or null. */
  readonly base: string | null
  /** Changes whenever the content does. */
  readonly key: string
  /** Writes the files of its own layer below `folder`. */
  readonly fill: (folder: string) => Promise<void>
  readonly config: {
    readonly Entrypoint: readonly string[]
    readonly Env?: readonly string[]
    /** Numeric: Kubernetes cannot see that a name is not root's. */
    readonly User: string
    readonly WorkingDir?: string
  }
}

const media = "application/vnd.oci.image"

/** `root` is containerd's own. */
export async function addImage(containerd: Containerd, root: string, image: Image): Promise<void> {
  const below = image.base === null ? [] : layersOf(root, image.base)
  const layer = digest(`${image.name} ${image.key}`)
  const draft = `draft-${randomBytes(6).toString("hex")}`
  const parent = below.length === 0 ? [] : [chain(below)]
  await containerd.ctr("snapshots", "prepare", draft, ...parent)
  const mounts = await containerd.ctr("snapshots", "mounts", "/mnt", draft)
  // With layers below it is the upper one of an overlay; the first layer is a folder of its own.
  const folder = /upperdir=([^,\s]+)/.exec(mounts)?.[1] ?? /-t bind (\S+)/.exec(mounts)?.[1]
  if (folder === undefined) throw new Error(`containerd does not say where its layer ${draft} is: ${mounts}`)
  await image.fill(folder)
  const layers = [...below, layer]
  await containerd.ctr("snapshots", "commit", chain(layers), draft)
  await importDescription(containerd, image, layers)
  remember(root, image.name, layers)
}

/** Each layer is known by all that are below it, too. */
function chain(layers: readonly string[]): string {
  return layers.slice(1).reduce((below, layer) => digest(`${below} ${layer}`), layers[0] ?? "")
}

async function importDescription(
  containerd: Containerd,
  { name, config }: Image,
  layers: readonly string[],
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "image-"))
  mkdirSync(join(folder, "blobs/sha256"), { recursive: true })
  const blob = (mediaType: string, content: unknown) => {
    const text = JSON.stringify(content)
    writeFileSync(join(folder, "blobs", digest(text).replace(":", "/")), text)
    return { mediaType, digest: digest(text), size: Buffer.byteLength(text) }
  }
  const platform = { architecture: process.arch === "x64" ? "amd64" : process.arch, os: "linux" }
  const manifest = {
    schemaVersion: 2,
    mediaType: `${media}.manifest.v1+json`,
    config: blob(`${media}.config.v1+json`, { ...platform, config, rootfs: { type: "layers", diff_ids: layers } }),
    // Nobody reads these: containerd looks whether it has them unpacked first.
    layers: layers.map((layer) => ({ mediaType: `${media}.layer.v1.tar`, digest: layer, size: 0 })),
  }
  const annotations = { "io.containerd.image.name": name }
  const manifests = [{ ...blob(`${media}.manifest.v1+json`, manifest), platform, annotations }]
  try {
    writeFileSync(join(folder, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}')
    writeFileSync(join(folder, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }))
    const archive = join(folder, "image.tar")
    await run("tar", ["-C", folder, "-cf", archive, "oci-layout", "index.json", "blobs"])
    await containerd.ctr("images", "import", archive)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function layersOf(root: string, name: string): readonly string[] {
  const layers = known(root)[name]
  if (layers === undefined) throw new Error(`There is no image ${name} to build upon.`)
  return layers
}

function known(root: string): Record<string, readonly string[]> {
  const file = join(root, "images.json")
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {}
}

function remember(root: string, name: string, layers: readonly string[]): void {
  const file = join(root, "images.json")
  // The file may be shared with the store that this one is a copy of.
  const text = JSON.stringify({ ...known(root), [name]: layers })
  rmSync(file, { force: true })
  writeFileSync(file, text)
}

function digest(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`
}
