/** A containerd of our own: root, state and socket are in one folder, and the machine's own one never hears of it. */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { run, tryRun } from "../../scripts/lib/commands.ts"
import { currentUser } from "../../scripts/lib/os-user.ts"
import { Daemon } from "../../scripts/lib/processes.ts"

/** Where Debian's containernetworking-plugins are. */
export const networkPlugins = "/usr/lib/cni"

export interface ContainerdOptions {
  readonly folder: string
  /** Images and containers; it may be a copy of another one's. */
  readonly root: string
  /** Image of the first container of every pod. */
  readonly pause: string
  /** Put in front of its command line, such as what leads into a namespace. */
  readonly prefix: readonly string[]
}

export class Containerd {
  readonly socket: string
  readonly daemon: Daemon
  readonly #options: ContainerdOptions

  constructor(options: ContainerdOptions) {
    const { folder, prefix } = options
    this.#options = options
    this.socket = join(folder, "containerd.sock")
    const [command = "containerd", ...args] = [...prefix, "containerd", "--config", this.#config]
    this.daemon = new Daemon({
      name: "containerd",
      pidFile: join(folder, "run", "containerd.json"),
      log: join(folder, "logs", "containerd.log"),
      command,
      args,
      env: { PATH: process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin" },
      cwd: "/",
      user: currentUser(),
      ready: async () => ((await tryRun("ctr", ["--address", this.socket, "version"])).code === 0 ? true : null),
      readySeconds: 60,
    })
  }

  async start(): Promise<void> {
    this.#writeConfig()
    await this.daemon.start()
  }

  /** In the namespace that Kubernetes looks into. */
  ctr(...args: string[]): Promise<string> {
    return run("ctr", ["--address", this.socket, "--namespace", "k8s.io", ...args])
  }

  get #config(): string {
    return join(this.#options.folder, "containerd.toml")
  }

  #writeConfig(): void {
    const { folder, root, pause } = this.#options
    const quoted = JSON.stringify
    mkdirSync(folder, { recursive: true })
    const text = `version = 2
root = ${quoted(root)}
state = ${quoted(join(folder, "containerd-state"))}
disabled_plugins = ["io.containerd.internal.v1.opt"]

[grpc]
address = ${quoted(this.socket)}

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = ${quoted(pause)}
stream_server_address = "127.0.0.1"
# Root itself may not be allowed to protect a process more than its parent.
restrict_oom_score_adj = true
disable_apparmor = true

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = ${quoted(networkPlugins)}
conf_dir = ${quoted(join(folder, "cni"))}
`
    writeFileSync(this.#config, text)
  }
}
