/** `npm run container-database`: writes the files that docker-compose.yml mounts, then says what to do with them. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { accessRules, roleScript } from "./lib/roles.ts"
import { Secrets } from "./lib/secrets.ts"
import { loadEnvFile, startSettings } from "./lib/settings.ts"
import { claimStateFolder } from "./lib/state-folder.ts"

loadEnvFile()
const { stateDir } = startSettings()
const folder = join(stateDir, "container-database")
const secrets = new Secrets(join(stateDir, "secrets"))
claimStateFolder(stateDir)
mkdirSync(folder, { recursive: true })
secrets.ensure()
// Clients come from the container's own network; docker-compose.yml publishes the port on this machine only.
writeFileSync(join(folder, "pg_hba.conf"), `${accessRules("trust", "samenet").join("\n")}\n`)
writeFileSync(join(folder, "roles.sql"), roleScript(secrets))
// Read by the container's own user; verifiers and rules give nothing away.
for (const name of ["pg_hba.conf", "roles.sql"]) chmodSync(join(folder, name), 0o644)
console.log(`Written to ${folder}. Now: docker compose up -d
Passwords are in ${secrets.folder}; settings of the sidecar: PG_HOST=127.0.0.1 PG_PORT=5471`)
