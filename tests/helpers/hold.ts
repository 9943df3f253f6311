/** Holds up what others do in PostgreSQL until they are let go: with it, "in the same instant" is no matter of luck. */
import type { Cluster } from "../../scripts/lib/postgres.ts"

export type LetGo = () => Promise<void>

/** Does this as superuser and keeps the locks that it took; resolves with the way to let them go and undo it. */
export async function hold(postgres: Cluster, database: string, statement: string): Promise<LetGo> {
  let letGo: () => void = () => undefined
  const wanted = new Promise<void>((resolve) => {
    letGo = resolve
  })
  return await new Promise((resolve, reject) => {
    const ended = postgres.query(database, async (client) => {
      await client.query("BEGIN")
      await client.query(statement)
      resolve(async () => {
        letGo()
        await ended
      })
      await wanted
      await client.query("ROLLBACK")
    })
    ended.catch(reject)
  })
}

/** Commands that copy this database hang meanwhile. */
export async function holdDatabase(postgres: Cluster, name: string): Promise<LetGo> {
  return await hold(postgres, "postgres", `COMMENT ON DATABASE ${name} IS 'held'`)
}
