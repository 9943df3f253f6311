/** `npm run kubernetes-secrets`: makes the passwords and keys that k8s/ takes from files, where they are missing. */
import { join } from "node:path"
import { makeKubernetesSecrets } from "./lib/kubernetes-secrets.ts"
import { repo } from "./lib/paths.ts"

const folder = makeKubernetesSecrets(join(repo, "k8s"))
console.log(`They are in ${folder}. Git ignores them: keep a copy in a safe place, of root-key above all.
Now: kubectl apply -k k8s/overlays/<yours>`)
