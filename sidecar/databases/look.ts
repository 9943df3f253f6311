/** What there is of a tenant's database, seen from the operator's own: never by running anything of the tenant's. */
import type pg from "pg"
import { PermanentError } from "../domain/errors.ts"
import type { DatabaseStage, SeenDatabase } from "../domain/plan.ts"
import type { TenantSpec } from "../domain/tenant.ts"
import { type Mark, readMark } from "./mark.ts"
import { type Operator, sessionAs } from "./operator.ts"
import { connectionLimit, roleIsRight } from "./roles.ts"
import { isOutOfConnections, isRefusal } from "./usage.ts"

interface Row {
  readonly comment: string | null
  readonly is_ours: boolean | null
  readonly accepts: boolean | null
  readonly grants_right: boolean | null
  readonly role_right: boolean | null
  readonly role_short: boolean | null
}

const question = `
  SELECT shobj_description(d.oid, 'pg_database') AS comment,
         d.datdba = current_user::regrole AS is_ours,
         d.datallowconn AND d.datconnlimit = -1 AS accepts,
         NOT EXISTS (
           SELECT FROM aclexplode(COALESCE(d.datacl, acldefault('d', d.datdba))) a
            WHERE a.grantee <> d.datdba
              AND (a.grantee IS DISTINCT FROM r.oid OR a.is_grantable OR a.privilege_type NOT IN ('CONNECT', 'TEMPORARY'))
         ) AS grants_right,
         ${roleIsRight("$2")} AS role_right,
         r.rolconnlimit < $2 AS role_short
    FROM (SELECT $1::text AS name) n
    LEFT JOIN pg_database d ON d.datname = n.name
    LEFT JOIN pg_roles r ON r.rolname = n.name`

export async function look(
  operator: Operator,
  spec: TenantSpec,
  installation: string,
  password: string,
): Promise<SeenDatabase> {
  const rows = await operator.query<Row>(question, [spec.id, connectionLimit(spec.limits)])
  const row = rows[0]
  if (!row || row.is_ours === null) {
    return { stage: "absent", rights: row?.role_right === null ? "right" : "wrong" }
  }
  const stage = row.is_ours ? stageOf(readMark(row.comment), row.comment, spec.id, installation) : "foreign"
  if (stage !== "open") return { stage, rights: "right" }
  // A deletion that was killed half-way leaves a database that takes no connections any more.
  const right = row.accepts && row.grants_right && row.role_right && (await signsIn(operator, spec.id, password))
  return { stage, rights: !right ? "wrong" : row.role_short ? "short" : "right" }
}

/** How far the database is, asked by an act that holds the tenant's lock. Throws for one that is not ours. */
export async function stageForAct(
  client: pg.Client,
  tenant: string,
  installation: string,
): Promise<Exclude<DatabaseStage, "foreign">> {
  const { rows } = await client.query<{ comment: string | null; is_ours: boolean }>(
    `SELECT shobj_description(oid, 'pg_database') AS comment, datdba = current_user::regrole AS is_ours
       FROM pg_database WHERE datname = $1`,
    [tenant],
  )
  const row = rows[0]
  if (!row) return "absent"
  const stage = row.is_ours ? stageOf(readMark(row.comment), row.comment, tenant, installation) : "foreign"
  if (stage !== "foreign") return stage
  throw new PermanentError(
    `The database ${tenant} belongs to another installation, so nothing of it is changed. Move or rename it first.`,
  )
}

/** A database of our role without any mark is a clone whose maker died before writing one. */
function stageOf(
  mark: Mark | null,
  comment: string | null,
  tenant: string,
  installation: string,
): Exclude<DatabaseStage, "absent"> {
  if (comment === null) return "cloned"
  if (mark?.installation !== installation || mark.subject !== tenant) return "foreign"
  return mark.stage === "cloned" || mark.stage === "prepared" || mark.stage === "open" ? mark.stage : "foreign"
}

/** Whether the tenant's own password is (still) the one that its Odoo has. Only a superuser could read what is stored. */
async function signsIn(operator: Operator, tenant: string, password: string): Promise<boolean> {
  try {
    await sessionAs(operator.settings, { user: tenant, password }, tenant, "saas look", async () => undefined)
    return true
  } catch (error) {
    if (isRefusal(error)) return false
    // Its connections are used up, so the password is right.
    if (isOutOfConnections(error)) return true
    throw error
  }
}
