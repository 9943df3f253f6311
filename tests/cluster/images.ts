/**
 * The images that every test cluster has. They are made once, into a store in the cache; what a cluster begins with
 * has the same layers, by links, and takes neither time nor room.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { run, tryRun } from "../../scripts/lib/commands.ts"
import { fingerprintOf } from "../../scripts/lib/fingerprints.ts"
import { withLock } from "../../scripts/lib/locks.ts"
import { debianMirror, type Odoo } from "../../scripts/lib/odoo.ts"
import { odooPackages } from "../../scripts/lib/packages.ts"
import type { Progress } from "../../scripts/lib/progress.ts"
import { Containerd } from "./containerd.ts"
import { imageOf, readDockerfile } from "./dockerfile.ts"
import { addImage, type Image } from "./image-store.ts"
import { clusterCache, draftsOf, keepLatest, noteUse, type ProgramName, type Programs } from "./programs.ts"

/** Anybody but root; a pod names its own. */
const nobody = "65534:65534"

/** Raise it when what is made below changes. */
const revision = "2"

/** Debian's release whose packages Odoo runs on. */
const release = "bookworm"

/** Of a containerd root: its layers, a folder each. */
const layersFolder = "io.containerd.snapshotter.v1.overlayfs/snapshots"

const unwanted = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*"]

export const images = {
  pause: "localhost/pause:1",
  dns: "localhost/coredns:1",
  traefik: "localhost/traefik:1",
  /** Debian, Python and Odoo, as in Docker's official image; `launch.py` and our addon are not in it. */
  odoo: "localhost/odoo:19",
} as const

/** Odoo with runtime/ and saas_tenant of this working tree in it: what a tenant runs on. */
export const tenantImage = "localhost/odoo-saas-tenant:1"

/** Where they are in it. */
export const tenantFolders = { runtime: "/opt/odoo-saas/runtime", addons: "/opt/odoo-saas/addons" } as const

export const odooConfig: Image["config"] = {
  Entrypoint: ["/usr/bin/python3"],
  Env: ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1"],
  User: nobody,
}

/** Resolves with a containerd root that has them all; it belongs to nobody and is only ever copied. */
export async function ensureImages(programs: Programs, odoo: Odoo, progress: Progress): Promise<string> {
  const made = [programs.pause, programs.dns, programs.traefik].map((program) => basename(dirname(program)))
  const store = join(clusterCache(), `images-${fingerprintOf([], ...made, odoo.version, revision)}`)
  if (existsSync(store)) {
    noteUse(store)
    return store
  }
  await progress("make the cluster's images, once (Debian, Odoo, Traefik)", async (step) => {
    const lock = join(clusterCache(), "images.lock")
    const waiting = () => step.detail("waiting for another build")
    await withLock(lock, () => makeStore(store, programs, odoo, step.detail), waiting, 1800)
  })
  return store
}

async function makeStore(store: string, programs: Programs, odoo: Odoo, detail: (text: string) => void): Promise<void> {
  if (existsSync(store)) return
  await removeBroken()
  const work = mkdtempSync(join(clusterCache(), ".new-images-"))
  const root = join(work, "root")
  const containerd = new Containerd({ folder: work, root, pause: images.pause, prefix: [] })
  try {
    await containerd.start()
    for (const image of [...smallImages(programs), odooImage(odoo, detail)]) {
      detail(image.name)
      await addImage(containerd, root, image)
    }
    await containerd.daemon.stop()
    const made = join(work, "store")
    mkdirSync(made, { mode: 0o711 })
    renameSync(join(root, layersFolder), join(made, "layers"))
    mkdirSync(join(root, layersFolder), { mode: 0o700 })
    renameSync(root, join(made, "books"))
    renameSync(made, store)
    keepLatest("images")
  } finally {
    await containerd.daemon.stop()
    rmSync(work, { recursive: true, force: true })
  }
}

/** Of builds that were cut short: the one who holds the lock is alone here. */
async function removeBroken(): Promise<void> {
  for (const folder of draftsOf("images")) {
    await new Containerd({ folder, root: join(folder, "root"), pause: images.pause, prefix: [] }).daemon.stop()
    rmSync(folder, { recursive: true })
  }
}

/** A program that needs no other file. */
function smallImages(programs: Programs): Image[] {
  const image = (name: string, program: ProgramName): Image => ({
    name,
    base: null,
    key: programs[program],
    fill: async (folder) => {
      copyFileSync(programs[program], join(folder, program))
      mkdirSync(join(folder, "tmp"), { mode: 0o1777 })
    },
    config: { Entrypoint: [`/${program}`], User: nobody },
  })
  return [image(images.pause, "pause"), image(images.dns, "dns"), image(images.traefik, "traefik")]
}

function odooImage(odoo: Odoo, detail: (text: string) => void): Image {
  return {
    name: images.odoo,
    base: null,
    key: odoo.version,
    fill: async (folder) => {
      const mirror = await debianMirror()
      const wanted = ["python3", "ca-certificates", ...odooPackages].join(",")
      const options = unwanted.map((path) => `--dpkgopt=path-exclude=${path}`)
      await run(
        "mmdebstrap",
        ["--mode=root", "--variant=minbase", `--include=${wanted}`, ...options, release, folder, mirror],
        {
          onLine: (line) => detail(`Debian: ${line.slice(0, 60)}`),
        },
      )
      detail("copying Odoo")
      // Debian's own place for it: links of its files into other packages hold there.
      await copyOdoo(odoo, join(folder, "usr/lib/python3/dist-packages"))
    },
    config: odooConfig,
  }
}

async function copyOdoo({ addonsPath }: Odoo, to: string): Promise<void> {
  const source = dirname(dirname(addonsPath[0] ?? ""))
  for (const name of ["odoo", "addons"].filter((entry) => existsSync(join(source, entry)))) {
    await copyLinked(join(source, name), join(to, name))
  }
}

/** The same files under another name, where both are on one file system; else copies. */
async function copyLinked(from: string, to: string): Promise<void> {
  const linked = await tryRun("cp", ["--archive", "--link", from, to])
  if (linked.code === 0) return
  rmSync(to, { recursive: true, force: true })
  await run("cp", ["--archive", from, to])
}

/**
 * Makes `root` a containerd root with the images of the store: the layers, which are only ever read, are links to
 * those of the store. containerd's own books are copied.
 */
export async function copyStore(store: string, root: string): Promise<void> {
  await run("cp", ["--archive", "--no-target-directory", join(store, "books"), root])
  for (const layer of readdirSync(join(store, "layers"))) {
    symlinkSync(join(store, "layers", layer), join(root, layersFolder, layer))
  }
}

/** Of the working tree as it is now, by its Dockerfile. */
export function imageOfTenant(): Image {
  return imageOf(readDockerfile("runtime/Dockerfile"), {
    name: tenantImage,
    base: images.odoo,
    baseEnv: odooConfig.Env ?? [],
  })
}
