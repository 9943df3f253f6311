/** How a world whose PostgreSQL is on this machine looks into it. */
import pg from "pg"
import { databasePassword } from "../../../sidecar/domain/keys.ts"
import type { Installation } from "../../helpers/installation.ts"
import type { World } from "./world.ts"

type Looks = Pick<World<unknown>, "asSuperuser" | "asTenant">

export function looksInto({ postgres, secrets, ports }: Installation): Looks {
  return {
    asSuperuser: (database, sql) => postgres.query(database, (client) => client.query(sql)),
    asTenant: async (tenant, database, sql) => {
      const password = databasePassword(Buffer.from(secrets.read("root-key"), "hex"), tenant)
      const client = new pg.Client({ host: postgres.sockets, port: ports.postgres, user: tenant, password, database })
      // Told by the query that it happens to.
      client.on("error", () => undefined)
      await client.connect()
      try {
        return await client.query(sql)
      } finally {
        await client.end()
      }
    },
  }
}
