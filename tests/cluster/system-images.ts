/**
 * The images of the whole system, made on the spot of this working tree by their Dockerfiles. What those would get
 * from registries (Node, PostgreSQL) is this machine's own, in a layer on top of the Odoo image that is there anyway.
 */
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { ensureOwl } from "../../scripts/build-owl.ts"
import { repo } from "../../scripts/lib/paths.ts"
import { findPostgres } from "../../scripts/lib/postgres.ts"
import { bundleSidecar, sidecarBundle } from "../../scripts/lib/sidecar-bundle.ts"
import { imageOf, readDockerfile } from "./dockerfile.ts"
import type { Image } from "./image-store.ts"
import { images, odooConfig } from "./images.ts"

export const systemImages = {
  /** Node and PostgreSQL on Debian: stands for `node:…` with a PostgreSQL client, and for `postgres:…`. */
  programs: "localhost/node-postgres:1",
  sidecar: "localhost/odoo-saas-sidecar:1",
  master: "localhost/odoo-saas-master:1",
} as const

/** In the order in which they are to be made. `work` is an empty folder that must stay until that is done. */
export async function imagesOfSystem(work: string): Promise<Image[]> {
  await Promise.all([bundleSidecar(), ensureOwl()])
  const build = join(work, "build")
  stageBuild(join(build, "src"))
  const path = pathOf(postgresBin())
  return [
    imageOfPrograms(),
    imageOf(readDockerfile("sidecar/Dockerfile"), {
      name: systemImages.sidecar,
      base: systemImages.programs,
      baseEnv: [path],
      stages: { build },
    }),
    imageOf(readDockerfile("k8s/master/Dockerfile"), {
      name: systemImages.master,
      base: images.odoo,
      baseEnv: odooConfig.Env ?? [],
      stages: { build },
    }),
  ]
}

export function imageOfPrograms(): Image {
  const bin = postgresBin()
  return {
    name: systemImages.programs,
    base: images.odoo,
    key: `${Date.now()}`,
    fill: async (folder) => copyPrograms(folder, bin),
    config: { Entrypoint: [], Env: [pathOf(bin), "LANG=C.UTF-8"], User: "65534:65534" },
  }
}

function pathOf(bin: string): string {
  return `PATH=${bin}:/usr/local/bin:/usr/bin:/bin`
}

function postgresBin(): string {
  const bin = findPostgres()
  if (bin === null) throw new Error("PostgreSQL 15 or newer is not installed. npm run doctor says how to get it.")
  return bin
}

function copyPrograms(folder: string, bin: string): void {
  mkdirSync(join(folder, "usr/local/bin"), { recursive: true })
  copyFileSync(process.execPath, join(folder, "usr/local/bin/node"))
  // Its libraries beside it, and what initdb reads.
  const installed = dirname(bin)
  for (const from of [installed, join("/usr/share/postgresql", basename(installed))]) {
    cpSync(from, join(folder, from), { recursive: true, verbatimSymlinks: true })
  }
  // As in the official image: initdb asks who it is.
  const users = ["root:x:0:0:root:/root:/bin/sh", "postgres:x:999:999::/var/lib/postgresql:/bin/sh"]
  mkdirSync(join(folder, "etc"), { recursive: true })
  writeFileSync(join(folder, "etc/passwd"), `${users.join("\n")}\n`)
  writeFileSync(join(folder, "etc/group"), "root:x:0:\npostgres:x:999:\n")
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>
}

/** What `npm ci`, the two builds and `npm prune --omit=dev` leave in the stage "build". */
function stageBuild(src: string): void {
  mkdirSync(join(src, "dist"), { recursive: true })
  cpSync(join(repo, "package.json"), join(src, "package.json"))
  cpSync(sidecarBundle, join(src, "dist", basename(sidecarBundle)))
  cpSync(join(repo, "addons/saas_master"), join(src, "addons/saas_master"), {
    recursive: true,
    filter: (path) => !["__pycache__", "tests"].includes(basename(path)),
  })
  const { packages } = JSON.parse(readFileSync(join(repo, "package-lock.json"), "utf8")) as Lock
  const wanted = Object.entries(packages).filter(
    ([path, { dev }]) => path !== "" && !dev && existsSync(join(repo, path)),
  )
  for (const [path] of wanted) cpSync(join(repo, path), join(src, path), { recursive: true, verbatimSymlinks: true })
}
