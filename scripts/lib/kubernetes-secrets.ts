/** The files that k8s/ makes its Secrets of: never committed, made once, and read by `kubectl apply -k` alone. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { roleScript } from "./roles.ts"
import { Secrets } from "./secrets.ts"

/** Below `k8s`, which is k8s/ or a copy of it. Answers the folder with the passwords. */
export function makeKubernetesSecrets(k8s: string): string {
  const secrets = new Secrets(join(k8s, "base/control-plane/secrets"))
  secrets.ensure()
  const roles = join(k8s, "base/postgres/secrets/roles.sql")
  mkdirSync(join(roles, ".."), { recursive: true, mode: 0o711 })
  // Verifiers are salted: another text each time, and with it another Secret for nothing.
  if (!existsSync(roles)) writeFileSync(roles, roleScript(secrets), { mode: 0o600 })
  return secrets.folder
}
