/** The Kubernetes driver keeps the promises of a target on real pods. */
import { suite } from "uvu"
import { ahead } from "../contract/conformance/ahead.ts"
import { databases } from "../contract/conformance/databases.ts"
import { deletion } from "../contract/conformance/deletion.ts"
import { fencing } from "../contract/conformance/fencing.ts"
import { hostileRole } from "../contract/conformance/hostile-role.ts"
import { routes } from "../contract/conformance/routes.ts"
import { runtimes } from "../contract/conformance/runtimes.ts"
import { type KubernetesWorld, makeKubernetesWorld } from "../contract/kubernetes/world.ts"

const test = suite("the Kubernetes driver")

let world: KubernetesWorld

test.before(async () => {
  world = await makeKubernetesWorld()
})

test.after(() => world.destroy())

for (const part of [databases, hostileRole, deletion, fencing, routes, ahead]) part(test, () => world)
// Until there is an activator, nobody waits for a tenant that is stopped.
runtimes(test, () => world, "told")

test.run()
