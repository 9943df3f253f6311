/** Where things are below the state folder. */
import { join } from "node:path"
import type { TenantId } from "../../domain/tenant.ts"

export class Layout {
  readonly state: string

  constructor(state: string) {
    this.state = state
  }

  get tenants(): string {
    return join(this.state, "tenants")
  }

  get run(): string {
    return join(this.state, "run")
  }

  forkServerConf(name: string): string {
    return join(this.run, `${name}.conf`)
  }

  get forkServerLog(): string {
    return join(this.run, "fork-servers.log")
  }

  get releases(): string {
    return join(this.state, "release")
  }

  get nginx(): string {
    return join(this.state, "nginx")
  }

  get backups(): string {
    return join(this.state, "backups")
  }

  /** Read and entered by the tenant's user, written by us. */
  tenant(id: TenantId): string {
    return join(this.tenants, id)
  }

  conf(id: TenantId): string {
    return join(this.tenant(id), "odoo.conf")
  }

  /** The tenant's own: filestore and sessions. */
  data(id: TenantId): string {
    return join(this.tenant(id), "data")
  }

  /** A folder a start, for what the tenant takes for the machine's temporary files. */
  temporary(id: TenantId): string {
    return join(this.tenant(id), "tmp")
  }

  log(id: TenantId): string {
    return join(this.tenant(id), "log", "odoo.log")
  }

  /** Of everybody else but the tenants: ours, nginx's, and those of what `npm start` puts beside us. */
  get logFolders(): string[] {
    return ["logs", "run", "nginx/logs", "master", "postgres"].map((name) => join(this.state, name))
  }

  /** When we stopped it: those ends are no crashes. */
  stops(id: TenantId): string {
    return join(this.tenant(id), "stops.json")
  }

  /** What the process that runs was started with. */
  started(id: TenantId): string {
    return join(this.tenant(id), "runtime.json")
  }
}
