/** The certificates and keys of one cluster, good for as long as a test cluster may live. */
import { generateKeyPairSync, randomBytes } from "node:crypto"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { run } from "../../scripts/lib/commands.ts"
import type { Addresses } from "./addresses.ts"

const days = "30"

/** Who signs on at the API server, with the groups that Kubernetes itself gives rights to. */
export const accounts = {
  admin: { user: "test-admin", group: "system:masters" },
  "kube-controller-manager": { user: "system:kube-controller-manager", group: "" },
  "kube-scheduler": { user: "system:kube-scheduler", group: "" },
  "kube-proxy": { user: "system:kube-proxy", group: "" },
  kubelet: { user: "system:node:node", group: "system:nodes" },
} as const

export type Account = keyof typeof accounts

export class Certificates {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  file(name: string): string {
    return join(this.folder, name)
  }

  kubeconfig(account: Account): string {
    return this.file(`${account}.kubeconfig`)
  }

  async make({ host, apiService }: Addresses, server: string): Promise<void> {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 })
    const { privateKey, publicKey } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
      publicKeyEncoding: { type: "spki", format: "pem" },
    })
    this.write("service-accounts.key", privateKey)
    this.write("service-accounts.pub", publicKey)
    await this.authority()
    const names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost"]
    const alternatives = [...names.map((name) => `DNS:${name}`), `IP:${host}`, `IP:${apiService}`, "IP:127.0.0.1"]
    await this.sign("api-server", "/CN=kube-apiserver", `subjectAltName=${alternatives.join(",")}`)
    await this.sign("kubelet-client", "/CN=kube-apiserver/O=system:masters", "extendedKeyUsage=clientAuth")
    const tokens = Object.entries(accounts).map(([name, { user, group }]) => {
      const token = randomBytes(24).toString("hex")
      this.write(`${name}.kubeconfig`, this.kubeconfigText(server, user, token))
      return `${token},${user},${name},"${group}"`
    })
    this.write("tokens.csv", `${tokens.join("\n")}\n`)
  }

  private async authority(): Promise<void> {
    const subject = ["-subj", "/CN=odoo-saas test cluster", "-addext", "keyUsage=critical,keyCertSign,digitalSignature"]
    const files = ["-keyout", this.file("ca.key"), "-out", this.file("ca.crt")]
    await run("openssl", ["req", "-x509", ...newKey, "-days", days, ...subject, ...files])
  }

  private async sign(name: string, subject: string, extension: string): Promise<void> {
    const request = ["-subj", subject, "-addext", extension, "-keyout", this.file(`${name}.key`)]
    const signer = ["-CA", this.file("ca.crt"), "-CAkey", this.file("ca.key"), "-days", days]
    await run("openssl", ["req", "-x509", ...newKey, ...signer, ...request, "-out", this.file(`${name}.crt`)])
  }

  private kubeconfigText(server: string, user: string, token: string): string {
    const cluster = { server, "certificate-authority-data": readFileSync(this.file("ca.crt")).toString("base64") }
    return JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "test", cluster }],
      users: [{ name: user, user: { token } }],
      contexts: [{ name: "test", context: { cluster: "test", user } }],
      "current-context": "test",
    })
  }

  private write(name: string, text: string): void {
    writeFileSync(this.file(name), text, { mode: 0o600 })
  }
}

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
