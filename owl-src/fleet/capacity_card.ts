import { Component } from "@odoo/owl"
import { user } from "@web/core/user"
import type { ActionService } from "@web/core/utils/hooks"
import { useService } from "@web/core/utils/hooks"
import { _t } from "../i18n.ts"
import { formatCores, formatMegabytes } from "../measure/measure.ts"
import { Ago } from "../services/ago.ts"
import { parseUtc } from "../services/time.ts"
import type { Server, Target } from "./fleet_data.ts"
import { diskLevel } from "./fullness.ts"
import { FullnessBar } from "./fullness_bar.ts"
import { recordOf } from "./navigation.ts"

/** The sidecar says hello every half minute: after so long it is away, or cannot reach the master. */
const silentAfterMs = 3 * 60 * 1000

export interface CapacityCardProps {
  targets: readonly Target[]
  servers: readonly Server[]
  skew: number
}

/** Where tenants run and where their data is: how full, how well, and what is weaker than it should be. */
export class CapacityCard extends Component<CapacityCardProps> {
  static override template = "saas_master.CapacityCard"
  static components = { Ago, FullnessBar }
  static override props = { targets: Array, servers: Array, skew: Number }

  private action!: ActionService
  readonly silentAfter = silentAfterMs
  readonly megabytes = (mb: number): string => formatMegabytes(mb, user.lang)
  readonly count = (value: number): string => new Intl.NumberFormat(user.lang).format(value)
  readonly cores = (milli: number): string => formatCores(milli, user.lang)

  override setup(): void {
    this.action = useService("action")
  }

  heardAt(target: Target): number | null {
    return parseUtc(target.last_hello)
  }

  freeDisk(server: Server): string {
    return _t("%s of disk free", this.megabytes(server.disk_free_mb))
  }

  diskLevel(server: Server): string {
    return diskLevel(server.disk_free_mb)
  }

  openTarget(target: Target): Promise<void> {
    return this.action.doAction(recordOf("saas.target", target.id))
  }

  openServer(server: Server): Promise<void> {
    return this.action.doAction(recordOf("saas.database.server", server.id))
  }
}
