/** etcd, API server, controller manager and scheduler, as plain processes of this machine. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { currentUser } from "../../scripts/lib/os-user.ts"
import { pickFree } from "../../scripts/lib/ports.ts"
import { Daemon } from "../../scripts/lib/processes.ts"
import type { Addresses } from "./addresses.ts"
import { Certificates } from "./certificates.ts"
import type { Kubectl } from "./kubectl.ts"
import type { Programs } from "./programs.ts"

export const apiPort = 6443

/** More than anybody but a benchmark needs; the stock 20 a second are what thousands of tenants meet first. */
const clientRate = ["--kube-api-qps=500", "--kube-api-burst=1000"]

/** As long as a machine with two processors may take for it while others work. */
const readySeconds = 90

/** What sidecars ask can be counted; everybody else's questions are not worth the disk. */
const auditPolicy = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [{ level: "Metadata", userGroups: ["system:serviceaccounts:odoo-saas"] }, { level: "None" }],
}

export interface ControlPlaneOptions {
  /** Of this cluster's state. */
  readonly folder: string
  readonly addresses: Addresses
  readonly programs: Programs
  readonly kubectl: Kubectl
}

export class ControlPlane {
  readonly certificates: Certificates
  readonly #options: ControlPlaneOptions

  constructor(options: ControlPlaneOptions) {
    this.#options = options
    this.certificates = new Certificates(join(options.folder, "certificates"))
  }

  /** Makes what is missing in the folder. The first start is the one that makes an empty cluster. */
  async prepare(): Promise<void> {
    const { folder, addresses } = this.#options
    mkdirSync(folder, { recursive: true, mode: 0o711 })
    if (existsSync(this.#portsFile)) return
    await this.certificates.make(addresses, `https://${addresses.host}:${apiPort}`)
    writeFileSync(join(folder, "audit-policy.json"), JSON.stringify(auditPolicy))
    const client = await pickFree(21_000, 31_000)
    writeFileSync(this.#portsFile, JSON.stringify({ client, peer: await pickFree(client + 1, client + 50) }))
  }

  async start(): Promise<void> {
    await this.etcd.start()
    await this.apiServer.start()
    await Promise.all([this.controllerManager.start(), this.scheduler.start()])
  }

  async stop(): Promise<void> {
    // Who asks goes before who answers, or each logs errors until its own turn.
    await Promise.all([this.controllerManager.stop(5), this.scheduler.stop(5)])
    await this.apiServer.stop(5)
    await this.etcd.stop(5)
  }

  get daemons(): Daemon[] {
    return [this.etcd, this.apiServer, this.controllerManager, this.scheduler]
  }

  get etcd(): Daemon {
    const { client, peer } = this.#ports()
    const at = (port: number) => `http://127.0.0.1:${port}`
    return this.#daemon("etcd", {
      args: [
        `--data-dir=${join(this.#options.folder, "etcd")}`,
        `--listen-client-urls=${at(client)}`,
        `--advertise-client-urls=${at(client)}`,
        `--listen-peer-urls=${at(peer)}`,
        `--initial-advertise-peer-urls=${at(peer)}`,
        `--initial-cluster=default=${at(peer)}`,
        // A test cluster may lose its data with the machine's power.
        "--unsafe-no-fsync",
        "--log-level=warn",
      ],
      ready: () => answers(`${at(client)}/health`),
    })
  }

  /** A line for each request of a sidecar's account, once it is answered. */
  get auditLog(): string {
    return join(this.#options.folder, "logs", "audit.log")
  }

  get apiServer(): Daemon {
    const { addresses, kubectl } = this.#options
    const file = (name: string) => this.certificates.file(name)
    return this.#daemon("kube-apiserver", {
      args: [
        `--etcd-servers=http://127.0.0.1:${this.#ports().client}`,
        `--bind-address=${addresses.host}`,
        `--advertise-address=${addresses.host}`,
        `--secure-port=${apiPort}`,
        `--service-cluster-ip-range=${addresses.services}`,
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        `--audit-policy-file=${join(this.#options.folder, "audit-policy.json")}`,
        `--audit-log-path=${this.auditLog}`,
        // Never begun anew while somebody counts in it.
        "--audit-log-maxsize=100000",
        `--token-auth-file=${file("tokens.csv")}`,
        `--client-ca-file=${file("ca.crt")}`,
        `--tls-cert-file=${file("api-server.crt")}`,
        `--tls-private-key-file=${file("api-server.key")}`,
        `--kubelet-client-certificate=${file("kubelet-client.crt")}`,
        `--kubelet-client-key=${file("kubelet-client.key")}`,
        // The node's name resolves nowhere.
        "--kubelet-preferred-address-types=InternalIP",
        "--service-account-issuer=https://kubernetes.default.svc",
        `--service-account-key-file=${file("service-accounts.pub")}`,
        `--service-account-signing-key-file=${file("service-accounts.key")}`,
      ],
      ready: async () => ((await kubectl.try(["get", "--raw=/readyz"])).code === 0 ? true : null),
    })
  }

  get controllerManager(): Daemon {
    const { addresses, kubectl } = this.#options
    return this.#daemon("kube-controller-manager", {
      args: [
        `--kubeconfig=${this.certificates.kubeconfig("kube-controller-manager")}`,
        `--bind-address=${addresses.host}`,
        `--service-account-private-key-file=${this.certificates.file("service-accounts.key")}`,
        `--root-ca-file=${this.certificates.file("ca.crt")}`,
        `--cluster-signing-cert-file=${this.certificates.file("ca.crt")}`,
        `--cluster-signing-key-file=${this.certificates.file("ca.key")}`,
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        ...clientRate,
      ],
      // Pods are refused until it has made this account.
      ready: async () =>
        (await kubectl.try(["get", "serviceaccount", "default", "--namespace=default"])).code === 0 ? true : null,
    })
  }

  get scheduler(): Daemon {
    const { addresses } = this.#options
    return this.#daemon("kube-scheduler", {
      args: [
        `--kubeconfig=${this.certificates.kubeconfig("kube-scheduler")}`,
        `--bind-address=${addresses.host}`,
        "--leader-elect=false",
        ...clientRate,
      ],
      // Nothing waits for it; what it does not do shows in pods that stay pending.
      ready: async () => true,
    })
  }

  #daemon(name: keyof Programs, { args, ready }: { args: string[]; ready: () => Promise<true | null> }): Daemon {
    const { folder, programs } = this.#options
    return new Daemon({
      name,
      pidFile: join(folder, "run", `${name}.json`),
      log: join(folder, "logs", `${name}.log`),
      command: programs[name],
      args,
      env: { PATH: process.env.PATH ?? "/usr/bin:/bin" },
      cwd: "/",
      user: currentUser(),
      ready,
      readySeconds,
    })
  }

  get #portsFile(): string {
    return join(this.#options.folder, "etcd-ports.json")
  }

  #ports(): { client: number; peer: number } {
    return JSON.parse(readFileSync(this.#portsFile, "utf8"))
  }
}

async function answers(url: string): Promise<true | null> {
  return fetch(url).then(
    ({ ok }) => (ok ? true : null),
    // It does not listen yet: the daemon's own time runs out if it never does.
    () => null,
  )
}
