/** A tenant's files for a backup: they lie on this machine. */
import type { Filestore } from "../../backups/final-backups.ts"
import { runProgram } from "../../backups/program.ts"
import type { TenantId } from "../../domain/tenant.ts"
import type { Fence } from "../driver.ts"
import { bytesBelow } from "./files.ts"
import type { Layout } from "./layout.ts"

export class ProcessFilestore implements Filestore {
  readonly #layout: Layout

  constructor(layout: Layout) {
    this.#layout = layout
  }

  async bytes(tenant: TenantId): Promise<number> {
    return await bytesBelow(this.#layout.data(tenant))
  }

  async pack(tenant: TenantId, file: string, fence: Fence): Promise<void> {
    // Sparse: a file that is nearly all holes takes as much room here as there, and not what it pretends to have.
    const args = ["-C", this.#layout.data(tenant), "--sparse", "--exclude=./sessions", "-cf", file, "."]
    await runProgram("tar", args, fence)
  }
}
