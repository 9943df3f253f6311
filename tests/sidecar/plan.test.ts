import { suite } from "uvu"
import * as assert from "uvu/assert"
import { crashLoop, type Drift, type Observation, plan, type Step, type Wanted } from "../../sidecar/domain/plan.ts"
import type { TenantSpec } from "../../sidecar/domain/tenant.ts"
import { aSpec } from "./helpers/spec.ts"

const test = suite("plan")

const wanted: Wanted = { runtimeFingerprint: "runtime", settingsFingerprint: "settings" }

const nothing: Observation = {
  server: { state: "ready" },
  template: "ready",
  database: { stage: "absent", rights: "right" },
  files: "absent",
  runtime: { state: "stopped", fingerprint: "", crashes: 0 },
  tenant: null,
  route: { hosts: [], state: { kind: "none" } },
  finalBackup: "absent",
  activeUsers: null,
}

const serving: Observation = {
  ...nothing,
  database: { stage: "open", rights: "right" },
  files: "present",
  runtime: { state: "ready", fingerprint: "runtime", crashes: 0 },
  tenant: { bootstrapped: true, settings: "settings" },
  route: { hosts: ["acme.localhost"], state: { kind: "up" } },
  activeUsers: 1,
}

test("a tenant that is as it should be is left alone", () => {
  assert.equal(plan(aSpec(), wanted, serving), { kind: "done" })
})

test("a missing template is built before anything is cloned", () => {
  assert.is(nextStep(aSpec(), { ...nothing, template: "absent" }), "build_template")
  assert.is(nextStep(aSpec(), nothing), "clone_database")
})

test("a template that is gone does not matter to a tenant that has been cloned", () => {
  assert.equal(plan(aSpec(), wanted, { ...serving, template: "absent" }), { kind: "done" })
})

test("what was started for a database that did not come is stopped before the next try, and never opened half-made", () => {
  const ahead = {
    ...nothing,
    files: "begun",
    runtime: { state: "starting", fingerprint: "runtime", crashes: 0 },
  } as const
  assert.is(nextStep(aSpec(), ahead), "stop_runtime")
  assert.is(nextStep(aSpec(), { ...ahead, runtime: nothing.runtime }), "clone_database")
  assert.is(nextStep(aSpec(), { ...ahead, database: { stage: "cloned", rights: "right" } }), "prepare_database")
  assert.is(nextStep(aSpec(), { ...ahead, database: { stage: "prepared", rights: "right" } }), "create_files")
})

test("one that was started ahead is waited for as soon as its database is open", () => {
  const { runtime } = { runtime: { state: "starting", fingerprint: "runtime", crashes: 0 } } as const
  assert.is(nextStep(aSpec(), { ...serving, runtime, tenant: null }), "await_ready")
})

test("files that were begun for a database that did not come are removed without a backup: nobody has used them", () => {
  assert.is(nextStep(aSpec({ desired: "deleted" }), { ...nothing, files: "begun" }), "remove_files")
})

test("nobody is sent to a tenant before it is bootstrapped and knows its limits", () => {
  const unrouted = { ...serving, route: nothing.route }
  assert.is(nextStep(aSpec(), { ...unrouted, tenant: { bootstrapped: false, settings: "" } }), "bootstrap")
  assert.is(nextStep(aSpec(), { ...unrouted, tenant: { bootstrapped: true, settings: "" } }), "apply_settings")
  assert.is(nextStep(aSpec(), unrouted), "route")
})

test("a server of the tenant's own comes before its database, and goes after everything that was in it", () => {
  const running = aSpec({ database: "dedicated" })
  for (const state of ["absent", "starting"] as const) {
    assert.is(nextStep(running, { ...nothing, server: { state } }), "make_server")
  }
  assert.is(nextStep(running, nothing), "clone_database")
  const deleted = aSpec({ database: "dedicated", desired: "deleted" })
  const asleep = {
    ...serving,
    ...stopped,
    route: { ...serving.route, state: { kind: "maintenance" } },
  } as const
  // What nobody can look at may be all that the customer has.
  assert.is(nextStep(deleted, { ...asleep, database: nothing.database, server: { state: "starting" } }), "make_server")
  assert.is(nextStep(deleted, asleep), "back_up")
  const emptied = { ...asleep, database: nothing.database, finalBackup: "verified" } as const
  assert.is(nextStep(deleted, emptied), "remove_files")
  assert.is(nextStep(deleted, { ...emptied, files: "absent" }), "remove_server")
  assert.is(nextStep(deleted, { ...emptied, files: "absent", server: { state: "absent" } }), "remove_route")
})

test("what was changed from inside is put right before it is served", () => {
  const opened = { ...serving, database: { stage: "open", rights: "wrong" } } as const
  assert.is(nextStep(aSpec(), opened), "repair_rights")
  assert.is(nextStep(aSpec({ desired: "suspended" }), { ...opened, ...stopped }), "repair_rights")
})

test("a larger plan's connections are promised before Odoo may open them, and hold up nothing while they are not", () => {
  const enlarged = { ...serving, database: { stage: "open", rights: "short" } } as const
  const before = { ...enlarged, runtime: { ...serving.runtime, fingerprint: "smaller" } }
  assert.is(nextStep(aSpec(), before), "give_connections")
  assert.is(nextStep(aSpec(), { ...enlarged, runtime: { ...nothing.runtime, crashes: 1 } }), "start_runtime")
  assert.is(nextStep(aSpec(), { ...enlarged, route: nothing.route }), "route")
  assert.is(nextStep(aSpec(), enlarged), "give_connections")
  const halted = { ...enlarged, ...stopped }
  assert.is(plan(aSpec({ desired: "suspended" }), wanted, halted).kind, "done")
})

test("what was changed by hand is made again by the step that made it, whether it runs or not", () => {
  const drifted = (part: Drift["part"]) => ({ ...serving, drift: { part, what: "It is not there." } })
  assert.is(nextStep(aSpec(), drifted("files")), "create_files")
  assert.is(nextStep(aSpec(), drifted("runtime")), "start_runtime")
  assert.equal(stepOf(aSpec(), drifted("route")), { kind: "route", hosts: aSpec().hosts, state: { kind: "up" } })
  const suspended = aSpec({ desired: "suspended" })
  const halted = (part: Drift["part"]) => ({ ...drifted(part), ...stopped })
  assert.is(nextStep(suspended, halted("files")), "create_files")
  assert.is(nextStep(suspended, halted("route")), "divert")
  // Nobody minds any more: it is taken away.
  assert.is(nextStep(aSpec({ desired: "deleted" }), halted("files")), "divert")
})

test("other limits than it was started with mean a stop and a start", () => {
  assert.is(nextStep(aSpec(), { ...serving, runtime: { ...serving.runtime, fingerprint: "older" } }), "stop_runtime")
  const replaceable = { ...serving.runtime, fingerprint: "older", replaceable: true }
  assert.is(nextStep(aSpec(), { ...serving, runtime: replaceable }), "start_runtime")
})

test("hosts are changed without touching the runtime, and their order does not matter", () => {
  const spec = aSpec({
    hosts: [
      { name: "new.localhost", primary: true },
      { name: "acme.localhost", primary: false },
    ],
  })
  assert.equal(stepOf(spec, serving), { kind: "route", hosts: spec.hosts, state: { kind: "up" } })
  const both = { ...serving, route: { ...serving.route, hosts: ["acme.localhost", "new.localhost"] } }
  assert.equal(plan(spec, wanted, both), { kind: "done" })
})

test("users beyond the limit are cut off", () => {
  const spec = aSpec()
  const crowded = { ...serving, activeUsers: spec.limits.users + 1 }
  assert.equal(stepOf(spec, crowded), { kind: "deactivate_users", keep: spec.limits.users })
})

test("suspending shows a page first and stops then", () => {
  const spec = aSpec({ desired: "suspended" })
  assert.equal(stepOf(spec, serving), {
    kind: "divert",
    hosts: spec.hosts,
    state: { kind: "suspended" },
  })
  const shown = { ...serving, route: stopped.route }
  assert.is(nextStep(spec, shown), "stop_runtime")
  assert.equal(plan(spec, wanted, { ...serving, ...stopped }), { kind: "done" })
})

test("a tenant that was never made and is suspended is only shown as such", () => {
  const spec = aSpec({ desired: "suspended" })
  assert.is(nextStep(spec, nothing), "divert")
  assert.equal(plan(spec, wanted, { ...nothing, route: stopped.route }), { kind: "done" })
})

test("deletion goes from the outside in, and data goes only behind a verified backup", () => {
  const spec = aSpec({ desired: "deleted" })
  const diverted = { ...serving, route: { hosts: ["acme.localhost"], state: { kind: "maintenance" } } } as const
  const stop = { ...diverted, runtime: nothing.runtime, tenant: null }
  assert.equal(nextStep(spec, serving), "divert")
  assert.equal(nextStep(spec, diverted), "stop_runtime")
  assert.equal(nextStep(spec, stop), "back_up")
  assert.equal(nextStep(spec, { ...stop, finalBackup: "unverified" }), "verify_backup")
  const verified = { ...stop, finalBackup: "verified" } as const
  assert.equal(nextStep(spec, verified), "drop_database")
  const dropped = { ...verified, database: nothing.database, activeUsers: null }
  assert.equal(nextStep(spec, dropped), "remove_files")
  assert.equal(nextStep(spec, { ...dropped, files: "absent" }), "remove_route")
  assert.equal(plan(spec, wanted, { ...dropped, files: "absent", route: nothing.route }), { kind: "done" })
})

test("a role without its database is left over and goes too", () => {
  const spec = aSpec({ desired: "deleted" })
  assert.is(nextStep(spec, { ...nothing, database: { stage: "absent", rights: "wrong" } }), "drop_database")
})

test("a backup that was made while it could be written to, or before it ran again, is not the final one", () => {
  const again = { ...serving, finalBackup: "verified" } as const
  assert.is(nextStep(aSpec(), { ...again, runtime: nothing.runtime, tenant: null }), "shelve_backup")
  const diverted = { ...again, route: { hosts: ["acme.localhost"], state: { kind: "maintenance" } } } as const
  assert.is(nextStep(aSpec({ desired: "deleted" }), diverted), "shelve_backup")
})

test("files without a database are never removed without a backup", () => {
  const decision = plan(aSpec({ desired: "deleted" }), wanted, { ...nothing, files: "present" })
  assert.is(decision.kind, "blocked")
})

test("a lost database is never replaced by an empty one", () => {
  assert.is(plan(aSpec(), wanted, { ...nothing, files: "present" }).kind, "blocked")
  assert.is(plan(aSpec(), wanted, { ...nothing, finalBackup: "verified" }).kind, "blocked")
})

test("what belongs to another installation is not touched, but visitors are told and the runtime stops", () => {
  const foreign = { ...serving, database: { stage: "foreign", rights: "right" } } as const
  assert.is(plan(aSpec(), wanted, foreign).kind, "blocked")
  const suspended = aSpec({ desired: "suspended" })
  assert.is(nextStep(suspended, foreign), "divert")
  assert.is(plan(suspended, wanted, { ...foreign, ...stopped }).kind, "blocked")
  const deleted = aSpec({ desired: "deleted" })
  assert.is(plan(deleted, wanted, { ...nothing, database: foreign.database }).kind, "blocked")
})

test("while its starts are refused visitors get a page, and it is tried on", () => {
  const problem = "Cannot execute python3: No such file or directory."
  const refused = { ...serving, runtime: { ...nothing.runtime, problem }, tenant: null }
  assert.is(nextStep(aSpec(), refused), "divert")
  const shown: Observation = { ...refused, route: { ...refused.route, state: { kind: "maintenance" } } }
  assert.is(nextStep(aSpec(), shown), "start_runtime")
  assert.is(nextStep(aSpec(), { ...serving, route: shown.route }), "route")
})

test("a crash loop is waited out with a page for visitors, and says so", () => {
  const crashed = { ...serving, runtime: { ...nothing.runtime, crashes: crashLoop - 1 }, tenant: null }
  assert.is(nextStep(aSpec(), crashed), "start_runtime")
  const looping = { ...crashed, runtime: { ...crashed.runtime, crashes: crashLoop } }
  assert.equal(stepOf(aSpec(), looping), { kind: "divert", hosts: aSpec().hosts, state: { kind: "maintenance" } })
  const diverted = { hosts: ["acme.localhost"], state: { kind: "maintenance" } } as const
  const decision = plan(aSpec(), wanted, { ...looping, route: diverted })
  assert.is(decision.kind, "wait")
  assert.match(decision.kind === "wait" ? decision.reason : "", `${crashLoop} times`)
})

test.run()

function stepOf(spec: TenantSpec, seen: Observation): Step {
  const decision = plan(spec, wanted, seen)
  if (decision.kind === "step") return decision.step
  throw new Error(`It decided on ${JSON.stringify(decision)}`)
}

function nextStep(spec: TenantSpec, seen: Observation): Step["kind"] {
  return stepOf(spec, seen).kind
}

const stopped: Pick<Observation, "route" | "runtime" | "tenant"> = {
  route: { hosts: ["acme.localhost"], state: { kind: "suspended" } },
  runtime: nothing.runtime,
  tenant: null,
}
