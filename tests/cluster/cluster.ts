/**
 * A real Kubernetes for a test file, with real pods:
 *
 *     const cluster = await makeCluster("driver")
 *     await cluster.kubectl.apply(…)
 *     await cluster.stop()
 *
 * Where it comes from: KUBECONFIG names one that runs (what a test makes there it removes again, and nothing else is
 * touched); else its programs are those of KUBEBUILDER_ASSETS; else they are built from Go modules, once. The whole
 * takes minutes the first time and seconds from then on.
 *
 * What is in a cluster of our own:
 *
 * - `kubeconfig`, as an administrator. Role-based access control is on, so that an account with fewer rights is one.
 * - One node called "node" with a kubelet, containerd, a bridge for pods and kube-proxy (nftables). Pods, services and
 *   the API server are reached from this machine at their own addresses.
 * - Network policies are ignored, as on many clusters, or, with `{ policies: "enforced" }`, the node's packet filter
 *   holds pods to them, by rules of our own (policy-keeper.ts). `tools.cyclonus` is somebody else's reading of them:
 *   it judges what they allow.
 * - `odooImage`: Debian, Python and Odoo 19 at the places of Docker's official image (without wkhtmltopdf).
 *   `tenantImage`: that, and of this working tree runtime/ in /opt/odoo-saas/runtime and the addon saas_tenant in
 *   /opt/odoo-saas/addons. A tenant is started in it by `python3 /opt/odoo-saas/runtime/launch.py -c <file>`, as any
 *   numeric user, with a read-only root; it wants a data_dir, a HOME and a /tmp to write to. Nothing is ever pulled.
 * - `storageClass` "local", the default one: `Retain`, bound when the first pod comes, `fsGroup` works; 60 volumes.
 * - `ingressClass` "traefik", the default one, with the kinds of traefik.io: `ingressAddress` answers for every host,
 *   on ports 80 and 443, and is written into the status of an Ingress. Its pods are in the namespace "traefik".
 * - DNS at its usual place in kube-system (label k8s-app=kube-dns). It knows the cluster's names and no others.
 * - `hostAddress` is this machine as pods see it. Servers that listen on 127.0.0.1 only, such as a test's PostgreSQL,
 *   are lent to pods with `forwardTo` (forward.ts).
 * - `addFakeNodes` (fake-nodes.ts) makes nodes, and on them pods, that only look real, by the thousand.
 * - `nonconformities` (schemas.ts) checks manifests by the kinds that this cluster has.
 *
 * On a cluster of KUBECONFIG the same is told by ODOO_IMAGE ("odoo:19"), TENANT_IMAGE, STORAGE_CLASS, INGRESS_CLASS
 * ("traefik"), INGRESS_ADDRESS and HOST_ADDRESS; null is what is not told, and what needs it cannot be tested there.
 */
import { fingerprintOf } from "../../scripts/lib/fingerprints.ts"
import { ensureOdoo } from "../../scripts/lib/odoo.ts"
import { isRoot } from "../../scripts/lib/os-user.ts"
import { ensurePackages, ToDo } from "../../scripts/lib/packages.ts"
import { findProgram, repo } from "../../scripts/lib/paths.ts"
import { type Daemon, startOf } from "../../scripts/lib/processes.ts"
import { type Progress, silent } from "../../scripts/lib/progress.ts"
import { ingressClass, storageClass } from "./equipment.ts"
import type { Image } from "./image-store.ts"
import { ensureImages, images, tenantImage } from "./images.ts"
import { Kubectl } from "./kubectl.ts"
import type { Node, Policies } from "./node.ts"
import { OwnCluster, removeOrphans } from "./own-cluster.ts"
import { ensurePrograms, ensureTools, type Programs, type Tools } from "./programs.ts"

export interface TestCluster {
  readonly kubeconfig: string
  readonly kubectl: Kubectl
  readonly odooImage: string
  readonly tenantImage: string | null
  /** null: the cluster's default. */
  readonly storageClass: string | null
  readonly ingressClass: string
  readonly ingressAddress: string | null
  readonly hostAddress: string | null
  /** Addresses for pods that only look real. */
  readonly fakePods: string | null
  readonly tools: Tools
  /** To be killed and started again; null where others may work with it. */
  readonly apiServer: Daemon | null
  /** To have programs run there, and policies enforced; null where others may work with it. */
  readonly node: Pick<Node, "enforcePolicies" | "run" | "try" | "daemonInside"> | null
  /** File with what sidecars' accounts have asked, one JSON a line; null where the API server is not ours. */
  readonly auditLog: string | null
  /** Beside those above; null where pods get theirs from a registry. */
  readonly addImages: ((images: readonly Image[]) => Promise<void>) | null
  /** Leaves one alone that was there before. */
  stop(): Promise<void>
}

/** Brings everything into the cache that a cluster is made of. Throws `ToDo` where that cannot be had. */
export async function prepareCluster(progress: Progress): Promise<void> {
  if (process.env.KUBECONFIG) await runningCluster(process.env.KUBECONFIG, progress)
  else await ensureImages(await preparePrograms(progress), await ensureOdoo(progress), progress)
}

export interface ClusterOptions {
  /** A cluster of KUBECONFIG does what it does. */
  readonly policies?: Policies
}

/** For one test file; gone at the latest when the next one begins. */
export async function makeCluster(name: string, { policies = "ignored" }: ClusterOptions = {}): Promise<TestCluster> {
  if (process.env.KUBECONFIG) return runningCluster(process.env.KUBECONFIG, silent)
  const programs = await preparePrograms(silent)
  await removeOrphans()
  const owner = { pid: process.pid, started: startOf(process.pid) ?? "" }
  const own = await OwnCluster.reserve(`${name}-${process.pid}`, owner, policies)
  return startOrRemove(own, programs, silent)
}

/** The one that stays until `stopLasting`, for developing. */
export async function startLasting(progress: Progress): Promise<TestCluster> {
  const programs = await preparePrograms(progress)
  await removeOrphans()
  const before = OwnCluster.find(lasting)
  if (before?.runs()) return described(before, programs)
  if (before) await progress("remove what is left of the last one", () => before.stop())
  return startOrRemove(await OwnCluster.reserve(lasting, null, "enforced"), programs, progress)
}

export function findLasting(): OwnCluster | null {
  return OwnCluster.find(lasting)
}

/** One for each working tree. */
const lasting = `lasting-${fingerprintOf([], repo).slice(0, 6)}`

async function startOrRemove(own: OwnCluster, programs: Programs, progress: Progress): Promise<TestCluster> {
  try {
    await own.start(await ensureOdoo(progress), progress)
    return described(own, programs)
  } catch (error) {
    await own.stop()
    throw error
  }
}

function described(own: OwnCluster, programs: Programs): TestCluster {
  return {
    kubeconfig: own.kubeconfig,
    kubectl: own.kubectl,
    odooImage: images.odoo,
    tenantImage,
    storageClass,
    ingressClass,
    ingressAddress: own.addresses.ingress,
    hostAddress: own.addresses.host,
    fakePods: own.addresses.fakePods,
    tools: programs,
    apiServer: own.apiServer,
    node: own.node,
    auditLog: own.auditLog,
    addImages: (more) => own.addImages(more),
    stop: () => own.stop(),
  }
}

async function preparePrograms(progress: Progress): Promise<Programs> {
  if (process.platform !== "linux" || !isRoot) {
    throw new ToDo(
      "A Kubernetes node makes namespaces, mounts and cgroups, which only root may on Linux. " +
        "Run this as root, or name a cluster that runs: KUBECONFIG",
    )
  }
  await ensurePackages("cluster", progress)
  return ensurePrograms(progress)
}

/** Somebody's, or the one that `startLasting` made. */
async function runningCluster(kubeconfig: string, progress: Progress): Promise<TestCluster> {
  const name = OwnCluster.nameOf(kubeconfig)
  if (name === null) return theirCluster(kubeconfig, progress)
  const programs = await preparePrograms(progress)
  const own = OwnCluster.find(name)
  if (!own?.runs()) {
    throw new ToDo(`KUBECONFIG=${kubeconfig} names a cluster that does not run: npm run cluster -- start, or unset it.`)
  }
  return { ...described(own, programs), apiServer: null, node: null, stop: async () => undefined }
}

async function theirCluster(kubeconfig: string, progress: Progress): Promise<TestCluster> {
  const programs = findProgram("kubectl")
  if (programs === null) throw new ToDo("KUBECONFIG names a cluster, and there is no kubectl to reach it with.")
  const kubectl = new Kubectl(programs, kubeconfig)
  const told = await kubectl.try(["get", "--raw=/readyz"])
  if (told.code !== 0) {
    throw new ToDo(`The cluster of KUBECONFIG=${kubeconfig} does not answer. Unset it and one is made.\n${told.output}`)
  }
  const tools = await ensureTools(progress)
  const { env } = process
  const common = { kubeconfig, kubectl, tools, stop: async () => undefined }
  return {
    ...common,
    odooImage: env.ODOO_IMAGE ?? "odoo:19",
    tenantImage: env.TENANT_IMAGE ?? null,
    storageClass: env.STORAGE_CLASS ?? null,
    ingressClass: env.INGRESS_CLASS ?? "traefik",
    ingressAddress: env.INGRESS_ADDRESS ?? null,
    hostAddress: env.HOST_ADDRESS ?? null,
    fakePods: null,
    apiServer: null,
    node: null,
    auditLog: null,
    addImages: null,
  }
}
