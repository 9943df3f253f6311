/** Plain PostgreSQL, one implementation for all targets. */
import { setTimeout as pause } from "node:timers/promises"
import type pg from "pg"
import { PermanentError, RetryableError } from "../domain/errors.ts"
import { databasePassword, type RootKey } from "../domain/keys.ts"
import type { SeenDatabase } from "../domain/plan.ts"
import type { TenantId, TenantSpec } from "../domain/tenant.ts"
import type { Before, Databases, DatabaseUsage, Fence, FoundDatabase } from "../drivers/driver.ts"
import { refuseMore, refuseWhenFull } from "./budget.ts"
import { awaitTurn, whileNobodyReserves } from "./clone-turn.ts"
import { dropTenant } from "./drop.ts"
import { dropDatabase } from "./drop-database.ts"
import { sessionName } from "./fence.ts"
import { found } from "./found.ts"
import { giveIdentity } from "./identity.ts"
import { look, stageForAct } from "./look.ts"
import { type Mark, writeMark } from "./mark.ts"
import { ident, literal, type Operator } from "./operator.ts"
import { handOver } from "./ownership.ts"
import { connectionLimit, dropRole, ensureRole, promise, promisedTo, reserveRole } from "./roles.ts"
import type { Servers } from "./servers.ts"
import { countUsage } from "./usage.ts"

export interface DatabasesOptions {
  readonly servers: Servers
  readonly root: RootKey
  /** The installation's id; throws a RetryableError while the master has not told it yet. */
  readonly installation: () => string
  /** Name of the database that a template lies in. */
  readonly templateOf: (spec: TenantSpec) => string
  /** Clones at once, by all sidecars of a database server together. */
  readonly clones: number
  /** Fills the first database of a server that is a tenant's own; where the target makes such servers. */
  readonly seed?: Seed
}

/** Copies the template from the shared server into an empty database of that name, which is the operator's. */
export type Seed = (spec: TenantSpec, to: Operator, database: string, fence: Fence) => Promise<void>

/** Name of what a first database is made of, on either server. */
export const seedOf = (tenant: TenantId) => `${tenant}_seed`

/** Owner of the objects in templates, before a tenant's own role has them. */
export const templateOwner = "saas_template"

/** Whoever looks at several servers is not to wait longer for one that does not answer. */
const answerMs = 2_000
/** Longer than any answer on a busy machine. */
const silentMs = 20_000

export class TenantDatabases implements Databases {
  readonly #options: DatabasesOptions

  constructor(options: DatabasesOptions) {
    this.#options = options
  }

  async raise(fence: Fence): Promise<Before> {
    return await this.#options.servers.raise(fence)
  }

  async settle(fence: Fence): Promise<void> {
    await this.#options.servers.settle(fence)
  }

  async observe(spec: TenantSpec): Promise<SeenDatabase> {
    const { operator } = await this.#options.servers.of(spec)
    return await look(operator, spec, this.#options.installation(), this.#password(spec.id))
  }

  async clone(spec: TenantSpec, fence: Fence): Promise<void> {
    await this.#act(spec, fence, async (client, operator) => {
      const stage = await this.#stage(client, spec.id)
      if (stage === "prepared" || stage === "open") return
      if (stage === "absent") {
        if (spec.database === "dedicated") await this.#fill(client, operator, spec, fence)
        else await this.#copy(client, spec, fence)
      }
      await client.query(`COMMENT ON DATABASE ${ident(spec.id)} IS ${this.#mark(spec.id, "cloned")}`)
    })
  }

  async #copy(client: pg.Client, spec: TenantSpec, fence: Fence): Promise<void> {
    const { servers, templateOf, clones } = this.#options
    const server = servers.named(spec.server)
    const template = templateOf(spec)
    await awaitTurn(client, clones, fence.signal, async () => {
      if ((await promisedTo(client, spec.id)) !== null) return
      await refuseWhenFull(client, server, spec.limits)
      await reserveRole(client, spec.id, spec.limits)
    })
    await client
      .query(
        `CREATE DATABASE ${ident(spec.id)} TEMPLATE ${ident(template)} STRATEGY wal_log
             OWNER ${ident(server.operator.settings.user)} ALLOW_CONNECTIONS false`,
      )
      .catch(async (error: Error & { code?: string }) => {
        // What is refused for good leaves nothing behind, its room least of all; who tries again asks for it again.
        if (isRefused(error)) await dropRole(client, spec.id)
        throw notCopied(error, template)
      })
  }

  /** From another server there is no copying: it is filled under another name, and gets its own when it is whole. */
  async #fill(client: pg.Client, operator: Operator, spec: TenantSpec, fence: Fence): Promise<void> {
    const { seed, servers } = this.#options
    if (!seed) throw new PermanentError(`The target ${spec.target} cannot fill a database server of a tenant's own.`)
    const draft = seedOf(spec.id)
    await dropDatabase(client, draft)
    await client.query(`CREATE DATABASE ${ident(draft)} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C'`)
    await client.query(`REVOKE ALL ON DATABASE ${ident(draft)} FROM PUBLIC`)
    await seed(spec, operator, draft, fence)
    await servers.check(fence)
    await client.query(`ALTER DATABASE ${ident(draft)} WITH ALLOW_CONNECTIONS false`)
    await client.query(`ALTER DATABASE ${ident(draft)} RENAME TO ${ident(spec.id)}`)
  }

  async prepare(spec: TenantSpec, fence: Fence): Promise<void> {
    const database = ident(spec.id)
    await this.#act(spec, fence, async (client, operator) => {
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
        await this.#options.servers.check(fence)
        await clone.query("COMMIT")
      })
    })
  }

  async open(spec: TenantSpec, fence: Fence): Promise<void> {
    await this.#act(spec, fence, async (client) => {
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
    await this.#act(spec, fence, async (client) => {
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

  async giveConnections(spec: TenantSpec, fence: Fence): Promise<void> {
    await this.#act(spec, fence, async (client) => {
      // A server of the tenant's own was made, or made anew, for this very plan.
      if (spec.database === "dedicated") return await promise(client, spec.id, spec.limits)
      await whileNobodyReserves(client, async () => {
        const promised = await promisedTo(client, spec.id)
        if (promised === null) throw new RetryableError(`The role of ${spec.id} is gone. It is looked at anew.`)
        const more = connectionLimit(spec.limits) - promised
        if (more > 0) await refuseMore(client, this.#options.servers.named(spec.server), more)
        await promise(client, spec.id, spec.limits)
      })
    })
  }

  async drop(spec: TenantSpec, fence: Fence): Promise<void> {
    const installation = this.#options.installation()
    await this.#act(spec, fence, (client) => dropTenant(client, spec.id, installation))
    if (spec.database === "shared") return
    const shared = this.#options.servers.named(spec.server)
    await shared.fencing.act(fence, (client) => dropDatabase(client, seedOf(spec.id)))
  }

  async usage(spec: TenantSpec): Promise<DatabaseUsage | null> {
    const { operator } = await this.#options.servers.of(spec)
    return await countUsage(operator, spec, this.#password(spec.id))
  }

  async find(also: readonly TenantId[]): Promise<readonly FoundDatabase[]> {
    const { servers, installation } = this.#options
    return (await Promise.all(servers.shared.map((server) => found(server, installation(), also)))).flat()
  }

  async ping(): Promise<void> {
    const { shared } = this.#options.servers
    const answer = Promise.any(shared.map(({ operator }) => operator.query("SELECT 1"))).catch(
      (error: AggregateError) => {
        throw error.errors[0]
      },
    )
    const late = pause(silentMs, null, { ref: false }).then(() => {
      throw new RetryableError(`PostgreSQL does not serve us right now: it has been silent for ${silentMs / 1000} s.`)
    })
    await Promise.race([answer, late])
  }

  async problems(): Promise<readonly string[]> {
    const { shared } = this.#options.servers
    const problems = shared.map(async ({ name, operator }) => {
      const late = pause(answerMs, `It did not answer within ${answerMs / 1000} s.`, { ref: false })
      const told = operator.query("SELECT 1").then(
        () => "",
        (error: Error) => error.message,
      )
      const problem = await Promise.race([told, late])
      return problem ? [`The database server ${name} is away, and its tenants wait for it: ${problem}`] : []
    })
    return (await Promise.all(problems)).flat()
  }

  async close(): Promise<void> {
    await this.#options.servers.close()
  }

  /** In a session on the tenant's own server that holds the tenant's lock there. */
  async #act<T>(
    spec: TenantSpec,
    fence: Fence,
    work: (client: pg.Client, operator: Operator) => Promise<T>,
  ): Promise<T> {
    const { operator, fencing } = await this.#options.servers.of(spec)
    return await fencing.act(fence, (client) => work(client, operator))
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

/** Said by PostgreSQL of its disk or of the template; after a kill it says nothing, and the next try finds what it had. */
function isRefused({ code }: { readonly code?: string }): boolean {
  return code !== undefined && ["53100", "58030", "3D000", "55006"].includes(code)
}

function notCopied(error: Error & { code?: string }, template: string): Error {
  if (error.code === "3D000") {
    return new RetryableError(`The template ${template} is gone. It is built anew.`, { cause: error })
  }
  // Somebody looks at the template by hand.
  if (error.code === "55006") return new RetryableError(`The template cannot be copied now: ${error.message}.`)
  return error
}

function goneAgain(tenant: TenantId): RetryableError {
  return new RetryableError(`The database ${tenant} is gone. It is looked at anew.`)
}
