/** Templates that were built on this machine, under the names that a sidecar of Kubernetes looks for: a Job takes a minute. */
import { createHash } from "node:crypto"
import type { Installation } from "../helpers/installation.ts"

/** All that there are in it. What is in them does not depend on where they were built. */
export async function takeTemplatesOver({ postgres }: Installation, image: string): Promise<void> {
  const made = createHash("sha256").update(image).digest("hex").slice(0, 8)
  await postgres.query("postgres", async (client) => {
    const { rows } = await client.query<{ name: string; renamed: string }>(
      `SELECT datname AS name, regexp_replace(datname, '_[0-9a-f]{8}$', $1) AS renamed
         FROM pg_database WHERE datname ~ '^tpl_[0-9a-f]{10}_[0-9a-f]{8}$'`,
      [`_${made}`],
    )
    if (rows.length === 0) throw new Error("There is no template to take over.")
    for (const { name, renamed } of rows) await client.query(`ALTER DATABASE "${name}" RENAME TO "${renamed}"`)
  })
}
