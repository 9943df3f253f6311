/** What a tenant's page calls its state, told from what was seen and from nothing else. */
import type { Observation } from "./plan.ts"
import type { Phase, TenantSpec } from "./tenant.ts"

export function phaseOf(spec: TenantSpec, seen: Observation): Phase {
  switch (spec.desired) {
    case "deleted":
      return isGone(seen) ? "deleted" : "deleting"
    case "suspended":
      return seen.runtime.state === "stopped" && seen.route.state.kind === "suspended" ? "suspended" : "updating"
    case "running":
      if (isServing(seen)) return "running"
      return wasServing(seen) ? "updating" : "provisioning"
  }
}

/** While an operation ends without having reached what is wanted. A tenant that serves its people is running. */
export function phaseInTrouble(spec: TenantSpec, seen: Observation): Phase {
  return spec.desired === "running" && isServing(seen) ? "running" : "failed"
}

function isServing({ database, runtime, route }: Observation): boolean {
  return database.stage === "open" && runtime.state === "ready" && route.state.kind === "up"
}

/** Its host was shown to visitors before, so it is not being made but changed. */
function wasServing({ database, route }: Observation): boolean {
  return database.stage === "open" && route.state.kind !== "none"
}

function isGone({ database, files, runtime, route }: Observation): boolean {
  return (
    database.stage === "absent" &&
    database.rights === "right" &&
    files === "absent" &&
    runtime.state === "stopped" &&
    route.state.kind === "none"
  )
}
