/** The process driver keeps the promises of a target, and its own. */
import { suite } from "uvu"
import { databases } from "./conformance/databases.ts"
import { deletion } from "./conformance/deletion.ts"
import { fencing } from "./conformance/fencing.ts"
import { hostileRole } from "./conformance/hostile-role.ts"
import { routes } from "./conformance/routes.ts"
import { runtimes } from "./conformance/runtimes.ts"
import { deaths } from "./process/deaths.ts"
import { departures } from "./process/departures.ts"
import { forkServers } from "./process/fork-servers.ts"
import { isolation } from "./process/isolation.ts"
import { outgoing } from "./process/outgoing.ts"
import { makeProcessWorld, type ProcessWorld } from "./process/world.ts"

const test = suite("the process driver")

let world: ProcessWorld

test.before(async () => {
  world = await makeProcessWorld()
})

test.after(() => world.destroy())

for (const part of [databases, hostileRole, deletion, fencing, runtimes, routes]) part(test, () => world)
for (const part of [forkServers, departures, isolation, outgoing, deaths]) part(test, () => world)

test.run()
