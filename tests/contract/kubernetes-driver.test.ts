/** The Kubernetes driver keeps the promises of a target on real pods. */
import { suite } from "uvu"
import { databases } from "./conformance/databases.ts"
import { deletion } from "./conformance/deletion.ts"
import { fencing } from "./conformance/fencing.ts"
import { hostileRole } from "./conformance/hostile-role.ts"
import { routes } from "./conformance/routes.ts"
import { runtimes } from "./conformance/runtimes.ts"
import { type KubernetesWorld, makeKubernetesWorld } from "./kubernetes/world.ts"

const test = suite("the Kubernetes driver")

let world: KubernetesWorld

test.before(async () => {
  world = await makeKubernetesWorld()
})

test.after(() => world.destroy())

for (const part of [databases, hostileRole, deletion, fencing, runtimes, routes]) part(test, () => world)

test.run()
