/**
 * The programs that a cluster is made of, and those that judge what runs in it: from KUBEBUILDER_ASSETS (the folder
 * that controller tests everywhere use), else built from Go modules, once, into the cache. `go/*` says in which
 * versions; another version there is another folder in the cache.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs"
import { dirname, join } from "node:path"
import { CommandFailed, run, tryRun } from "../../scripts/lib/commands.ts"
import { fingerprintOf } from "../../scripts/lib/fingerprints.ts"
import { withLock } from "../../scripts/lib/locks.ts"
import { ToDo } from "../../scripts/lib/packages.ts"
import { cacheFolder, findProgram, repo } from "../../scripts/lib/paths.ts"
import type { Progress } from "../../scripts/lib/progress.ts"

interface Module {
  /** Folder below `go`. */
  readonly folder: string
  /** Main packages of ours beside the module's tools. */
  readonly own: readonly string[]
  readonly programs: readonly ProgramName[]
  /** File in the module's documentation with the kinds of object that it adds to a cluster. */
  readonly kinds?: string
}

const kubernetesPrograms = [
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kube-proxy",
  "kubelet",
  "kubectl",
  "etcd",
] as const

const toolPrograms = ["pause", "dns", "kwok", "kubeconform", "cyclonus"] as const

export type ProgramName = (typeof kubernetesPrograms)[number] | (typeof toolPrograms)[number] | "traefik"

export type Programs = Readonly<Record<ProgramName, string>>

export type Tools = Pick<Programs, (typeof toolPrograms)[number]>

const tools: Module = { folder: "tools", own: ["./pause", "./dns"], programs: toolPrograms }

const modules: readonly Module[] = [
  { folder: "kubernetes", own: [], programs: kubernetesPrograms },
  tools,
  { folder: "traefik", own: [], programs: ["traefik"], kinds: "kubernetes-crd-definition-v1.yml" },
]

const kindsFile = "kinds.yml"

/** What Go calls a program is the last part of its package's path. */
const builtAs: Partial<Record<ProgramName, string>> = { etcd: "server" }

/** Two processors may be busy with a whole test run beside it. */
const longestBuildSeconds = 3600

const keptVersions = 3

const oldestGo = { major: 1, minor: 24 }

/** Where everything that belongs to test clusters is kept. */
export function clusterCache(): string {
  const folder = join(cacheFolder(), "cluster")
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  return folder
}

/** Where they are, or will be once they are built. */
export function programPaths(): Programs {
  const paths = modules.flatMap((module) =>
    module.programs.map((name) => [name, assetOf(name) ?? join(folderOf(module), name)] as const),
  )
  return Object.fromEntries(paths) as unknown as Programs
}

/** Throws `ToDo` where they can neither be found nor built. */
export async function ensurePrograms(progress: Progress): Promise<Programs> {
  await ensureBuilt(modules, progress)
  const programs = programPaths()
  await demandVersionsThatFit(programs)
  return programs
}

/** What is of use with a cluster that runs elsewhere, too. */
export async function ensureTools(progress: Progress): Promise<Tools> {
  await ensureBuilt([tools], progress)
  return programPaths()
}

async function ensureBuilt(all: readonly Module[], progress: Progress): Promise<void> {
  const wanted = all.filter(({ programs }) => programs.some((name) => assetOf(name) === null))
  const missing = wanted.filter((module) => !existsSync(folderOf(module)))
  for (const module of wanted.filter((one) => !missing.includes(one))) noteUse(folderOf(module))
  if (missing.length === 0) return
  await progress("build Kubernetes and its tools from Go modules, once", async (step) => {
    const waiting = () => step.detail("waiting for another build")
    const lock = join(clusterCache(), "programs.lock")
    await withLock(lock, () => buildAll(missing, step.detail), waiting, longestBuildSeconds)
  })
}

/** A manifest: what Traefik needs to be in a cluster before it starts. */
export function traefikKinds(programs: Programs): string {
  return join(dirname(programs.traefik), kindsFile)
}

function assetOf(name: ProgramName): string | null {
  const folder = process.env.KUBEBUILDER_ASSETS
  if (!folder || !(kubernetesPrograms as readonly string[]).includes(name)) return null
  const path = join(folder, name)
  return existsSync(path) ? path : null
}

/** A node's kubelet may be as new as its API server, never newer. */
async function demandVersionsThatFit(programs: Programs): Promise<void> {
  const minor = async (name: "kube-apiserver" | "kubelet") =>
    Number(/v1\.(\d+)/.exec(await run(programs[name], ["--version"]))?.[1])
  const [server, node] = [await minor("kube-apiserver"), await minor("kubelet")]
  if (server >= node) return
  throw new ToDo(
    `KUBEBUILDER_ASSETS holds Kubernetes 1.${server}, and the other parts are 1.${node}: ` +
      `name a folder with 1.${node} or newer, or unset it, and all of them are built.`,
  )
}

function sourceOf({ folder }: Module): string {
  return join(repo, "tests/cluster/go", folder)
}

/** It appears there complete or not at all. */
function folderOf(module: Module): string {
  return join(clusterCache(), `${module.folder}-${fingerprintOf([sourceOf(module)])}`)
}

async function buildAll(wanted: readonly Module[], detail: (text: string) => void): Promise<void> {
  const objects = join(clusterCache(), ".objects")
  for (const module of wanted) if (!existsSync(folderOf(module))) await build(module, objects, detail)
  // Gigabytes that only a build that was cut short needs again.
  rmSync(objects, { recursive: true, force: true })
}

async function build(module: Module, objects: string, detail: (text: string) => void): Promise<void> {
  const { folder: name, own, programs } = module
  const source = sourceOf(module)
  const go = await demandGo(programs)
  for (const draft of draftsOf(name)) rmSync(draft, { recursive: true, force: true })
  const work = mkdtempSync(join(clusterCache(), `.new-${name}-`))
  const env = {
    ...(process.env as Record<string, string>),
    CGO_ENABLED: "0",
    GOFLAGS: "-mod=readonly -buildvcs=false",
    GOCACHE: objects,
  }
  const flags = ["-v", "-trimpath", `-ldflags=${linkerFlags(source)}`, "-o", work]
  const args = ["-n", "15", go, "build", ...flags, "tool", ...own]
  let packages = 0
  const onLine = (line: string) => {
    if (/^[\w.-]+\/\S+$/.test(line)) packages++
    detail(`${name}: ${packages} packages, ${line}`)
  }
  try {
    // Whoever works on this machine meanwhile goes first.
    await run("nice", args, { cwd: source, env, log: join(clusterCache(), `${name}.log`), onLine })
    for (const program of programs) {
      const built = join(work, builtAs[program] ?? program)
      if (built !== join(work, program)) renameSync(built, join(work, program))
    }
    await run("chmod", ["755", work])
    if (module.kinds) await copyKinds(go, source, module.kinds, work)
    renameSync(work, folderOf(module))
    keepLatest(name)
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error
    throw new ToDo(`${name} cannot be built from Go modules. ${error.message}`)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

async function copyKinds(go: string, source: string, kinds: string, to: string): Promise<void> {
  const args = ["list", "-m", "-f", "{{.Dir}}", "github.com/traefik/traefik/v3"]
  const module = (await run(go, args, { cwd: source })).trim()
  copyFileSync(join(module, "docs/content/reference/dynamic-configuration", kinds), join(to, kindsFile))
}

/** The programs are told their version when they are linked; without it they take themselves for development ones. */
function linkerFlags(source: string): string {
  const version = /k8s\.io\/kubernetes (v1\.(\d+)\.\d+)/.exec(readFileSync(join(source, "go.mod"), "utf8"))
  if (!version) return "-s -w"
  const facts = [`gitVersion=${version[1]}`, "gitMajor=1", `gitMinor=${version[2]}`]
  const packages = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"]
  return ["-s -w", ...packages.flatMap((name) => facts.map((fact) => `-X ${name}.${fact}`))].join(" ")
}

/** What was being made when its maker was killed; the caller alone may make such things. */
export function draftsOf(name: string): string[] {
  const drafts = readdirSync(clusterCache()).filter((entry) => entry.startsWith(`.new-${name}-`))
  return drafts.map((entry) => join(clusterCache(), entry))
}

/** Other working trees may need other versions, and take turns with us: the least recently used go first. */
export function keepLatest(name: string): void {
  const versions = readdirSync(clusterCache()).filter((entry) => new RegExp(`^${name}-[0-9a-f]{12}$`).test(entry))
  const paths = versions.map((entry) => join(clusterCache(), entry))
  const unused = paths.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs).slice(keptVersions)
  for (const path of unused) rmSync(path, { recursive: true, force: true })
}

export function noteUse(folder: string): void {
  utimesSync(folder, new Date(), new Date())
}

/** Where Go's own instructions put it, PATH may not lead. */
export function findGo(): string | null {
  const usual = "/usr/local/go/bin/go"
  return findProgram("go") ?? (existsSync(usual) ? usual : null)
}

async function demandGo(programs: readonly ProgramName[]): Promise<string> {
  const wanted = `Go ${oldestGo.major}.${oldestGo.minor} or newer`
  const go = findGo()
  if (go === null) {
    throw new ToDo(
      `${programs.join(", ")} have to be built, and there is no ${wanted} to do that with. Install Go. ` +
        "(A cluster that runs may be named by KUBECONFIG, a folder with Kubernetes' own programs by KUBEBUILDER_ASSETS.)",
    )
  }
  const told = (await tryRun(go, ["version"])).stdout
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(told) ?? []
  if (Number(major) > oldestGo.major || Number(minor) >= oldestGo.minor) return go
  throw new ToDo(`${told.trim()} is too old to build Kubernetes with: ${wanted} is needed.`)
}
