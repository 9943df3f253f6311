/** A cluster that is made for one run and gone after it: folder, addresses, processes and containerd of its own. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join, relative, resolve, sep } from "node:path"
import { withLock } from "../../scripts/lib/locks.ts"
import type { Odoo } from "../../scripts/lib/odoo.ts"
import { type Daemon, isAlive, type ProcessMark } from "../../scripts/lib/processes.ts"
import type { Progress } from "../../scripts/lib/progress.ts"
import { type Addresses, addressesOf, freeAddresses, joinHost, leaveHost } from "./addresses.ts"
import { ControlPlane } from "./control-plane.ts"
import { dns, ingress, volumes } from "./equipment.ts"
import { addImage, type Image } from "./image-store.ts"
import { copyStore, ensureImages, imageOfTenant } from "./images.ts"
import { Kubectl } from "./kubectl.ts"
import { Node, type Policies } from "./node.ts"
import { clusterCache, type Programs, programPaths, traefikKinds } from "./programs.ts"

interface Settings {
  /** Of its addresses. */
  readonly number: number
  /** Whose end is its end, too; null for one that stays until it is told to stop. */
  readonly owner: ProcessMark | null
  readonly policies: Policies
}

/** Beside the images, whose files it shares. */
export function runFolder(name: string): string {
  return join(clusterCache(), "runs", name)
}

export class OwnCluster {
  readonly name: string
  readonly folder: string
  readonly addresses: Addresses
  readonly kubectl: Kubectl
  readonly #controlPlane: ControlPlane
  readonly node: Node
  readonly #programs: Programs

  private constructor(name: string, { number, policies }: Settings) {
    const programs = programPaths()
    const folder = runFolder(name)
    const addresses = addressesOf(number)
    this.name = name
    this.folder = folder
    this.addresses = addresses
    this.kubectl = new Kubectl(programs.kubectl, join(folder, "certificates/admin.kubeconfig"), {
      // What it remembers of a cluster it finds by the address, which the next cluster will have, too.
      KUBECACHEDIR: join(folder, "kubectl-cache"),
      NO_PROXY: addresses.host,
    })
    this.#programs = programs
    this.#controlPlane = new ControlPlane({ folder, addresses, programs, kubectl: this.kubectl })
    const certificates = this.#controlPlane.certificates
    this.node = new Node({ folder, addresses, programs, certificates, kubectl: this.kubectl, policies })
  }

  /** null for the file of a cluster that is not ours. */
  static nameOf(kubeconfig: string): string | null {
    const [name, ...rest] = relative(runFolder(""), resolve(kubeconfig)).split(sep)
    return name && name !== ".." && rest.length > 0 ? name : null
  }

  /** Whether it runs or not; null when there is none of that name. */
  static find(name: string): OwnCluster | null {
    const settings = settingsOf(name)
    return settings === null ? null : new OwnCluster(name, settings)
  }

  /** Takes a place for a new one; nothing runs yet. */
  static async reserve(name: string, owner: ProcessMark | null, policies: Policies): Promise<OwnCluster> {
    return withLock(join(clusterCache(), "runs.lock"), async () => {
      const numbers = runNames().flatMap((other) => settingsOf(other)?.number ?? [])
      const { number } = await freeAddresses(new Set(numbers))
      mkdirSync(runFolder(name), { recursive: true, mode: 0o711 })
      const settings: Settings = { number, owner, policies }
      writeFileSync(join(runFolder(name), settingsFile), JSON.stringify(settings))
      return new OwnCluster(name, settings)
    })
  }

  get kubeconfig(): string {
    return this.#controlPlane.certificates.kubeconfig("admin")
  }

  get apiServer(): Daemon {
    return this.#controlPlane.apiServer
  }

  get auditLog(): string {
    return this.#controlPlane.auditLog
  }

  get daemons(): Daemon[] {
    return [...this.#controlPlane.daemons, ...this.node.daemons]
  }

  runs(): boolean {
    return existsSync(join(this.folder, furnishedFile)) && this.daemons.every((daemon) => daemon.pid() !== null)
  }

  async start(odoo: Odoo, progress: Progress): Promise<void> {
    const store = await ensureImages(this.#programs, odoo, progress)
    await joinHost(this.addresses)
    await together(
      progress("start the control plane", () => this.#startControlPlane()),
      progress("boot the node", () => this.#bootNode(store)),
    )
    await together(
      progress("join node and control plane", () => this.node.join()),
      progress("furnish the cluster", () => this.#furnish()),
    )
    await progress("wait for its name server and ingress", async () => {
      await this.kubectl.deploymentReady("coredns", "kube-system")
      await this.kubectl.deploymentReady("traefik", "traefik")
    })
    writeFileSync(join(this.folder, furnishedFile), "")
  }

  async #startControlPlane(): Promise<void> {
    await this.#controlPlane.prepare()
    await this.#controlPlane.start()
  }

  async #bootNode(store: string): Promise<void> {
    await copyStore(store, this.#containers)
    await addImage(await this.node.boot(this.#containers), this.#containers, imageOfTenant())
  }

  /** One on top of the other where they name each other as bases. */
  async addImages(images: readonly Image[]): Promise<void> {
    const containerd = this.node.containerd(this.#containers)
    for (const image of images) await addImage(containerd, this.#containers, image)
  }

  get #containers(): string {
    return join(this.folder, "containerd")
  }

  async #furnish(): Promise<void> {
    const { kubectl, addresses } = this
    await kubectl.run(["apply", "--server-side", "-f", traefikKinds(this.#programs)])
    await kubectl.apply(...dns(addresses), ...ingress(addresses), ...volumes(join(this.folder, "volumes")))
  }

  /** Nothing of it is left on the machine, whatever state it was in. With KEEP_LOGS=<folder> its logs are kept. */
  async stop(): Promise<void> {
    await this.node.stop()
    if (existsSync(join(this.folder, "etcd-ports.json"))) await this.#controlPlane.stop()
    await leaveHost(this.addresses)
    const keep = process.env.KEEP_LOGS
    const logs = join(this.folder, "logs")
    if (keep && existsSync(logs)) cpSync(logs, join(keep, this.name), { recursive: true })
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Unlike Promise.all it waits for both: whoever cleans up after the one must not have the other at work. */
async function together(...works: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(works)) if (outcome.status === "rejected") throw outcome.reason
}

const settingsFile = "settings.json"
/** Written when all was there once. */
const furnishedFile = "furnished"

function runNames(): string[] {
  const folder = join(clusterCache(), "runs")
  return existsSync(folder) ? readdirSync(folder) : []
}

function settingsOf(name: string): Settings | null {
  const file = join(runFolder(name), settingsFile)
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : null
}

/** Ends and removes what tests that were killed left behind. */
export async function removeOrphans(): Promise<void> {
  await withLock(join(clusterCache(), "runs.lock"), async () => {
    const orphans = runNames().filter((name) => {
      const owner = settingsOf(name)?.owner
      return owner != null && !isAlive(owner)
    })
    for (const name of orphans) await OwnCluster.find(name)?.stop()
    // The rest of one whose removal was cut short: nothing of it runs any more.
    const remnants = runNames().filter((name) => settingsOf(name) === null)
    for (const name of remnants) rmSync(runFolder(name), { recursive: true, force: true })
  })
}
