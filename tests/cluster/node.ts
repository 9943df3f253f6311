/**
 * The machine of a test cluster: a kubelet with real containers, in namespaces of its own for network, mounts and
 * processes. Bridges, firewall rules, mounts and containers are inside, so that they end with its first process,
 * whatever becomes of everybody else.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type CommandResult, run, tryRun } from "../../scripts/lib/commands.ts"
import { removeEmpty } from "../../scripts/lib/kernel-rules.ts"
import { currentUser } from "../../scripts/lib/os-user.ts"
import { repo } from "../../scripts/lib/paths.ts"
import { Daemon } from "../../scripts/lib/processes.ts"
import { until } from "../../scripts/lib/until.ts"
import { type Addresses, joinNode } from "./addresses.ts"
import type { Certificates } from "./certificates.ts"
import { Containerd } from "./containerd.ts"
import { images } from "./images.ts"
import type { Kubectl } from "./kubectl.ts"
import { type KubeletParts, kubeletSettings, podNetwork } from "./node-settings.ts"
import { rulesTable } from "./policy-rules.ts"
import type { Programs } from "./programs.ts"

export const nodeName = "node"

/** What the kubelet would set on the whole machine, was it allowed to: it is shown these instead. */
const kernelSettings = {
  "vm/overcommit_memory": "1",
  "vm/panic_on_oom": "0",
  "kernel/panic": "10",
  "kernel/panic_on_oops": "1",
  "kernel/keys/root_maxkeys": "1000000",
  "kernel/keys/root_maxbytes": "25000000",
} as const

/** Fixed paths of Kubernetes and of the network plug-ins, by the folder of ours that is seen there. */
const fixedPaths = { "/var/lib/cni": "cni-state", "/var/log": "pod-logs" } as const

const path = process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin"

export interface NodeOptions {
  readonly folder: string
  readonly addresses: Addresses
  readonly programs: Programs
  readonly certificates: Certificates
  readonly kubectl: Kubectl
  readonly policies: Policies
}

/** What becomes of network policies; on many clusters they are objects and nothing else. */
export type Policies = "enforced" | "ignored"

export class Node {
  readonly #options: NodeOptions

  constructor(options: NodeOptions) {
    this.#options = options
  }

  /** Up to a containerd with the images in `containers`; nothing of Kubernetes yet. */
  async boot(containers: string): Promise<Containerd> {
    this.#writeFiles()
    rmSync(this.#upFile, { force: true })
    await this.first.start()
    await joinNode(this.#options.addresses, this.#pidInside())
    const containerd = this.containerd(containers)
    await containerd.start()
    return containerd
  }

  /** Resolves when the cluster's control plane calls it ready. */
  async join(): Promise<void> {
    await Promise.all([this.kubelet, this.kubeProxy, ...this.#keepers].map((daemon) => daemon.start()))
  }

  /** Resolves once its pods are held to them; one that comes later is so from the moment that it has an address. */
  async enforcePolicies(): Promise<void> {
    await this.policyKeeper.start()
  }

  /** The node as if its plug was pulled: every process in it is gone, and with them all that the kernel kept. */
  async stop(): Promise<void> {
    await this.first.kill()
    for (const daemon of [...this.daemons, this.policyKeeper]) await daemon.kill()
    await this.#removeCgroups()
  }

  get daemons(): Daemon[] {
    return [this.first, this.containerd("").daemon, this.kubelet, this.kubeProxy, ...this.#keepers]
  }

  get #keepers(): Daemon[] {
    return this.#options.policies === "enforced" ? [this.policyKeeper] : []
  }

  /** The one whose end is the end of all of them. */
  get first(): Daemon {
    const spaces = ["--net", "--mount", "--pid", "--fork", "--kill-child=SIGKILL", "--mount-proc"]
    return this.#daemon("node", {
      command: "unshare",
      args: [...spaces, "/bin/sh", "-e", this.#file("node.sh")],
      ready: async () => (existsSync(this.#upFile) ? true : null),
    })
  }

  containerd(root: string): Containerd {
    return new Containerd({ folder: this.#options.folder, root, pause: images.pause, prefix: this.#inside() })
  }

  get kubelet(): Daemon {
    const { programs, certificates, kubectl } = this.#options
    return this.daemonInside("kubelet", {
      command: [
        programs.kubelet,
        `--kubeconfig=${certificates.kubeconfig("kubelet")}`,
        `--config=${this.#file("kubelet.json")}`,
        `--root-dir=${this.#file("kubelet")}`,
        `--cert-dir=${this.#file("kubelet-certificates")}`,
        `--hostname-override=${nodeName}`,
        `--node-ip=${this.#options.addresses.node}`,
      ],
      ready: async () => {
        const node = await kubectl.try(["get", "node", nodeName, "-o", "json"])
        if (node.code !== 0) return null
        const conditions: { type: string; status: string }[] = JSON.parse(node.stdout).status.conditions ?? []
        return conditions.some(({ type, status }) => type === "Ready" && status === "True") ? true : null
      },
    })
  }

  get kubeProxy(): Daemon {
    const { programs, certificates, addresses } = this.#options
    return this.daemonInside("kube-proxy", {
      command: [
        programs["kube-proxy"],
        `--kubeconfig=${certificates.kubeconfig("kube-proxy")}`,
        `--hostname-override=${nodeName}`,
        "--proxy-mode=nftables",
        `--cluster-cidr=${addresses.pods}`,
        "--healthz-bind-address=127.0.0.1",
        "--oom-score-adj=0",
        // Settings of the whole machine, which are not ours to change.
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0",
        "--conntrack-tcp-timeout-close-wait=0",
      ],
      // Services that do not answer tell of it soon enough.
      ready: async () => true,
    })
  }

  /** What holds pods to network policies; other network plug-ins than ours bring one along. */
  get policyKeeper(): Daemon {
    const program = [
      process.execPath,
      "--import",
      import.meta.resolve("tsx"),
      join(repo, "tests/cluster/policy-keeper.ts"),
    ]
    const account = this.#options.certificates.kubeconfig("admin")
    return this.daemonInside("policy-keeper", {
      command: [...program, account, nodeName],
      ready: async () => ((await this.try("nft", "list", "table", "ip", rulesTable)).code === 0 ? true : null),
    })
  }

  /** One more that ends with the node at the latest. */
  daemonInside(name: string, { command, ready }: { command: string[]; ready: () => Promise<true | null> }): Daemon {
    const [first = "", ...args] = this.#inside(...command)
    return this.#daemon(name, { command: first, args, ready })
  }

  #daemon(name: string, more: { command: string; args: string[]; ready: () => Promise<true | null> }): Daemon {
    const pidFile = this.#file(`run/${name}.json`)
    const log = this.#file(`logs/${name}.log`)
    const common = { env: { PATH: path }, cwd: "/", user: currentUser(), readySeconds: 90 }
    return new Daemon({ name, pidFile, log, ...common, ...more })
  }

  /** This command line as one that is run in the node. */
  #inside(...command: readonly string[]): string[] {
    return ["nsenter", `--target=${this.#pidInside()}`, "--net", "--mount", "--pid", "--", ...command]
  }

  async run(...command: readonly string[]): Promise<string> {
    const [program = "", ...args] = this.#inside(...command)
    return run(program, args)
  }

  try(...command: readonly string[]): Promise<CommandResult> {
    const [program = "", ...args] = this.#inside(...command)
    return tryRun(program, args)
  }

  /** Of the first process inside, as this machine counts; 0 when the node is down. */
  #pidInside(): number {
    const outside = this.first.pid()
    if (outside === null) return 0
    return Number(readFileSync(`/proc/${outside}/task/${outside}/children`, "utf8").trim().split(" ")[0])
  }

  #file(name: string): string {
    return join(this.#options.folder, name)
  }

  get #upFile(): string {
    return this.#file("node-is-up")
  }

  get #cgroup(): string {
    return `odoo-saas-k${this.#options.addresses.number}`
  }

  #writeFiles(): void {
    for (const name of [...Object.values(fixedPaths), "cni", "kubelet"]) {
      mkdirSync(this.#file(name), { recursive: true, mode: 0o755 })
    }
    writeFileSync(this.#file("node.sh"), this.#script())
    writeFileSync(this.#file("kubelet.json"), JSON.stringify(kubeletSettings(this.#kubeletParts())))
    writeFileSync(this.#file("cni/10-bridge.conflist"), JSON.stringify(podNetwork(this.#options.addresses)))
    writeFileSync(this.#file("resolv.conf"), `nameserver ${this.#options.addresses.dns}\n`)
    for (const hierarchy of hierarchies()) mkdirSync(join(hierarchy, this.#cgroup), { recursive: true })
  }

  #script(): string {
    const binds = Object.entries(fixedPaths).map(
      ([fixed, ours]) => `mkdir -p ${fixed}\nmount --bind ${quoted(this.#file(ours))} ${fixed}`,
    )
    const settings = Object.entries(kernelSettings).map(([name, value]) => {
      const shown = `/run/kernel-settings/${name.replaceAll("/", ".")}`
      return `echo ${value} > ${shown}\nmount --bind ${shown} /proc/sys/${name}`
    })
    return `# Written at every start. The first process of the node, which lends its namespaces to all others.
mount --make-rshared /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/kernel-settings
${[...binds, ...settings].join("\n")}
echo 1 > /proc/sys/net/ipv4/ip_forward
[ -e /proc/sys/net/bridge ] || modprobe br_netfilter
touch ${quoted(this.#upFile)}
exec ${quoted(this.#options.programs.pause)}
`
  }

  #kubeletParts(): KubeletParts {
    const { addresses, certificates } = this.#options
    return {
      addresses,
      authority: certificates.file("ca.crt"),
      containerd: this.containerd("").socket,
      cgroup: this.#cgroup,
      volumePlugins: this.#file("volume-plugins"),
      resolvConf: this.#file("resolv.conf"),
    }
  }

  async #removeCgroups(): Promise<void> {
    for (const hierarchy of hierarchies()) {
      const folder = join(hierarchy, this.#cgroup)
      await until(() => (removeEmpty(folder) ? true : null), {
        seconds: 20,
        otherwise: () => `There are processes left in the cgroup ${folder}, although their node is gone.`,
      })
    }
  }
}

/** Where a cgroup has its folder: one place, or, in the first version, one for each controller. */
function hierarchies(): string[] {
  const root = "/sys/fs/cgroup"
  if (existsSync(join(root, "cgroup.procs"))) return [root]
  return readdirSync(root)
    .map((name) => join(root, name))
    .filter((folder) => existsSync(join(folder, "cgroup.procs")))
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
