import pg from "pg"
import { suite } from "uvu"
import * as assert from "uvu/assert"
import { type Installation, makeInstallation } from "../helpers/installation.ts"

const test = suite<{ it: Installation }>("the private cluster")

test.before(async (context) => {
  context.it = await makeInstallation("cluster", { parts: "database" })
})
test.after(({ it }) => it.destroy())

async function connectAs(it: Installation, user: string, database: string, password: string): Promise<string> {
  const client = new pg.Client({ host: "127.0.0.1", port: it.ports.postgres, user, database, password })
  await client.connect()
  const { rows } = await client.query("SELECT current_database() AS name")
  await client.end()
  return rows[0].name
}

async function refusal(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => "it was let in",
    (error: Error) => error.message,
  )
}

test("each role gets in where it belongs, with the password of its file", async ({ it }) => {
  const operator = it.secrets.read("pg-operator-password")
  assert.is(await connectAs(it, "saas_operator", "saas_operator", operator), "saas_operator")
  assert.is(await connectAs(it, "saas_master", "master", it.secrets.read("pg-master-password")), "master")
  assert.match(
    await refusal(connectAs(it, "saas_operator", "saas_operator", "guess")),
    /password authentication failed/,
  )
})

test("the master's role gets in nowhere else", async ({ it }) => {
  const password = it.secrets.read("pg-master-password")
  for (const database of ["postgres", "template1", "saas_operator"]) {
    assert.match(await refusal(connectAs(it, "saas_master", database, password)), /no pg_hba.conf entry/)
  }
})

test("the superuser cannot come by TCP, not even with a password", async ({ it }) => {
  await it.postgres.query("postgres", (client) => client.query("ALTER ROLE postgres PASSWORD 'known'"))
  assert.match(await refusal(connectAs(it, "postgres", "postgres", "known")), /rejects connection/)
})

test("what was committed survives a crash", async ({ it }) => {
  await it.postgres.query("saas_operator", (client) => client.query("CREATE TABLE kept AS SELECT 7 AS n"))
  await it.postgres.stop("immediate")
  assert.not(await it.postgres.answers())
  await it.postgres.start()
  const { rows } = await it.postgres.query("saas_operator", (client) => client.query("SELECT n FROM kept"))
  assert.equal(rows, [{ n: 7 }])
})

test.run()
