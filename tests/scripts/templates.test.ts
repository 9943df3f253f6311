import { test } from "uvu"
import * as assert from "uvu/assert"
import type { Ask } from "../../scripts/lib/master-rpc.ts"
import { silent } from "../../scripts/lib/progress.ts"
import { awaitFirstTemplate, awaitTemplates } from "../../scripts/lib/templates.ts"

/** A master whose templates are in these states, one look after the other; the last one lasts. */
function masterWith(...looks: readonly (readonly string[])[]): Ask {
  const left = [...looks]
  const answer = (model: string) => {
    if (model === "product.template") return 3
    const states = (left.length > 1 ? left.shift() : left[0]) ?? []
    return states.map((state, index) => ({ name: `T${index}`, state, message: state === "failed" && "No room." }))
  }
  return (async (model: string) => answer(model)) as Ask
}

test("the first template is enough to begin with, and it is told which ones are still to come", async () => {
  const ask = masterWith([], ["pending", "pending"], ["building", "building"], ["building", "ready"])
  assert.equal(await awaitFirstTemplate(ask, silent), ["T0"])
})

test("one that failed does not keep others from being waited for", async () => {
  assert.equal(await awaitFirstTemplate(masterWith(["failed", "building"], ["failed", "ready"]), silent), ["T0"])
})

test("where none can be built it is said why", async () => {
  const words = await awaitFirstTemplate(masterWith(["building"], ["failed"]), silent).catch((error: Error) => error)
  assert.match(String(words), /T0 could not be built: No room\./)
})

test("who needs them all is told of the first that failed", async () => {
  const words = await awaitTemplates(masterWith(["ready", "building"], ["ready", "failed"]), silent).catch(String)
  assert.match(String(words), /T1 could not be built/)
  await awaitTemplates(masterWith(["ready", "building"], ["ready", "ready"]), silent)
})

test.run()
