/** Plain PostgreSQL, one implementation for all targets. */
import type pg from "pg"
import { RetryableError } from "../domain/errors.ts"
import { databasePassword, type RootKey } from "../domain/keys.ts"
import type { SeenDatabase } from "../domain/plan.ts"
import type { TenantId, TenantSpec } from "../domain/tenant.ts"
import type { Databases, DatabaseUsage, Fence } from "../drivers/driver.ts"
import { awaitTurn } from "./clone-turn.ts"
import { dropTenant } from "./drop.ts"
import { type Fencing, sessionName } from "./fence.ts"
import { giveIdentity } from "./identity.ts"
import { look, stageForAct } from "./look.ts"
import { type Mark, writeMark } from "./mark.ts"
import { ident, literal, type Operator } from "./operator.ts"
import { handOver } from "./ownership.ts"
import { ensureRole } from "./roles.ts"
import { countUsage } from "./usage.ts"

export interface DatabasesOptions {
  readonly operator: Operator
  readonly fencing: Fencing
  readonly root: RootKey
  /** The installation's id; throws a RetryableError while the master has not told it yet. */
  readonly installation: () => string
  /** Name of the database that a template lies in. */
  readonly templateOf: (spec: TenantSpec) => string
  /** Clones at once, by all sidecars of a database server together. */
  readonly clones: number
}

/** Owner of the objects in templates, before a tenant's own role has them. */
export const templateOwner = "saas_template"

export class TenantDatabases implements Databases {
  readonly #options: DatabasesOptions

  constructor(options: DatabasesOptions) {
    this.#options = options
  }

  async raise(fence: Fence): Promise<void> {
    await this.#options.fencing.raise(fence)
  }

  async observe(spec: TenantSpec): Promise<SeenDatabase> {
    return await look(this.#options.operator, spec, this.#options.installation(), this.#password(spec.id))
  }

  async clone(spec: TenantSpec, fence: Fence): Promise<void> {
    const { operator, fencing, templateOf, clones } = this.#options
    const template = templateOf(spec)
    await fencing.act(fence, async (client) => {
      const stage = await this.#stage(client, spec.id)
      if (stage === "prepared" || stage === "open") return
      if (stage === "absent") {
        await awaitTurn(client, clones, fence.signal)
        await client
          .query(
            `CREATE DATABASE ${ident(spec.id)} TEMPLATE ${ident(template)} STRATEGY wal_log
                 OWNER ${ident(operator.settings.user)} ALLOW_CONNECTIONS false`,
          )
          .catch((error: Error & { code?: string }) => {
            if (error.code === "3D000") {
              throw new RetryableError(`The template ${template} is gone. It is built anew.`, { cause: error })
            }
            // Somebody looks at the template by hand.
            if (error.code === "55006") throw new RetryableError(`The template cannot be copied now: ${error.message}.`)
            throw error
          })
      }
      await client.query(`COMMENT ON DATABASE ${ident(spec.id)} IS ${this.#mark(spec.id, "cloned")}`)
    })
  }

  async prepare(spec: TenantSpec, fence: Fence): Promise<void> {
    const { operator, fencing } = this.#options
    const database = ident(spec.id)
    await fencing.act(fence, async (client) => {
      const stage = await this.#stage(client, spec.id)
      // Once somebody may have been in it, another identity would be taken for a copy and a password would be lost.
      if (stage === "prepared" || stage === "open") return
      if (stage === "absent") throw goneAgain(spec.id)
      await ensureRole(client, spec.id, this.#password(spec.id), spec.limits)
      // A new database lets everybody connect: first nobody may, then it accepts connections, ours only.
      await client.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC, ${ident(spec.id)}`)
      await client.query(`ALTER DATABASE ${database} WITH ALLOW_CONNECTIONS true`)
      await operator.session(spec.id, sessionName(fence), async (clone) => {
        await clone.query("BEGIN")
        await giveIdentity(clone)
        await handOver(clone, templateOwner, spec.id)
        await clone.query(`COMMENT ON DATABASE ${database} IS ${this.#mark(spec.id, "prepared")}`)
        await fencing.check(fence)
        await clone.query("COMMIT")
      })
    })
  }

  async open(spec: TenantSpec, fence: Fence): Promise<void> {
    await this.#options.fencing.act(fence, async (client) => {
      const stage = await this.#stage(client, spec.id)
      if (stage === "open") return
      if (stage === "absent") throw goneAgain(spec.id)
      if (stage === "cloned") throw new RetryableError(`The database ${spec.id} has no identity of its own yet.`)
      await client.query("BEGIN")
      await client.query(`GRANT CONNECT, TEMPORARY ON DATABASE ${ident(spec.id)} TO ${ident(spec.id)}`)
      await client.query(`COMMENT ON DATABASE ${ident(spec.id)} IS ${this.#mark(spec.id, "open")}`)
      await client.query("COMMIT")
    })
  }

  async repairRights(spec: TenantSpec, fence: Fence): Promise<void> {
    await this.#options.fencing.act(fence, async (client) => {
      const database = ident(spec.id)
      if ((await this.#stage(client, spec.id)) === "absent") throw goneAgain(spec.id)
      await client.query("BEGIN")
      await client.query(`ALTER DATABASE ${database} WITH ALLOW_CONNECTIONS true CONNECTION LIMIT -1`)
      await ensureRole(client, spec.id, this.#password(spec.id), spec.limits)
      const { rows } = await client.query<{ grantee: string }>(
        `SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee
           FROM pg_database d, aclexplode(COALESCE(d.datacl, acldefault('d', d.datdba))) a
          WHERE d.datname = $1 AND a.grantee <> d.datdba`,
        [spec.id],
      )
      for (const { grantee } of rows) await client.query(`REVOKE ALL ON DATABASE ${database} FROM ${grantee} CASCADE`)
      await client.query(`GRANT CONNECT, TEMPORARY ON DATABASE ${database} TO ${ident(spec.id)}`)
      await client.query("COMMIT")
    })
  }

  async drop(fence: Fence): Promise<void> {
    const installation = this.#options.installation()
    await this.#options.fencing.act(fence, (client) => dropTenant(client, fence.tenant, installation))
  }

  async usage(spec: TenantSpec): Promise<DatabaseUsage | null> {
    return await countUsage(this.#options.operator, spec, this.#password(spec.id))
  }

  async ping(): Promise<void> {
    await this.#options.operator.query("SELECT 1")
  }

  async close(): Promise<void> {
    await this.#options.operator.close()
  }

  async #stage(client: pg.Client, tenant: TenantId) {
    return await stageForAct(client, tenant, this.#options.installation())
  }

  #password(tenant: TenantId): string {
    return databasePassword(this.#options.root, tenant)
  }

  #mark(subject: string, stage: Mark["stage"]): string {
    return literal(writeMark({ installation: this.#options.installation(), subject, stage }))
  }
}

function goneAgain(tenant: TenantId): RetryableError {
  return new RetryableError(`The database ${tenant} is gone. It is looked at anew.`)
}
