/** Tenants that are there and that nobody wants are told of, whatever is left of them. */
import { strict as assert } from "node:assert"
import { pino } from "pino"
import { suite } from "uvu"
import type { FoundDatabase, FoundTenant } from "../../sidecar/drivers/driver.ts"
import { findStrays } from "../../sidecar/reconcile/strays.ts"
import { FakeWorld } from "./helpers/fake-world.ts"

const test = suite("tenants that nobody knows")

const log = pino({ level: "silent" })
const [whole, own, rest, bare, known] = [
  "twholeaaaaa",
  "townaaaaaaa",
  "trestaaaaaa",
  "tbareaaaaaa",
  "tknownaaaaa",
] as const

function worldOf(here: readonly FoundTenant[], databases: readonly FoundDatabase[]) {
  const { world } = new FakeWorld()
  return {
    target: { ...world.target, find: async () => here },
    databases: { ...world.databases, find: async () => databases },
  }
}

test("each is told once, with where its database is", async () => {
  const here = [whole, own, rest, known].map((id) => ({ id, ownServer: id === own }))
  const databases = [
    { tenant: whole, server: "two", isThere: true },
    { tenant: whole, server: "one", isThere: false },
    { tenant: own, server: "one", isThere: false },
    { tenant: bare, server: "one", isThere: true },
    { tenant: known, server: "one", isThere: true },
  ]
  const found = await findStrays(worldOf(here, databases), (id) => id === known, log)
  const told = Object.fromEntries((found ?? []).map(({ id, database, server }) => [id, `${database} ${server}`]))
  assert.deepEqual(told, { [whole]: "shared two", [own]: "dedicated one", [rest]: "none ", [bare]: "shared one" })
})

test("what is no tenant is none of ours to tell of", async () => {
  const here = [{ id: "workshop", ownServer: false }]
  assert.deepEqual(await findStrays(worldOf(here, []), () => false, log), [])
})

test("nothing is said while a part of the world cannot be looked at", async () => {
  const { target, databases } = worldOf([], [])
  const away = { ...databases, find: async () => Promise.reject(new Error("PostgreSQL is away.")) }
  assert.equal(await findStrays({ target, databases: away }, () => false, log), null)
})

test.run()
