/** What a benchmark has made is undone in the end, however that comes. */
import { strict as assert } from "node:assert"
import { suite } from "uvu"
import { CleanUp } from "../../bench/lib/clean-up.ts"

const test = suite("cleaning up after a benchmark")

test("the last thing made goes first, and everything goes once", async () => {
  const undone: string[] = []
  const cleanUp = new CleanUp()
  const defer = (name: string) =>
    cleanUp.defer(async () => {
      undone.push(name)
    })
  defer("installation")
  const closeBrowser = defer("browser")
  defer("proxy")
  await closeBrowser()
  await cleanUp.run()
  await cleanUp.run()
  assert.deepEqual(undone, ["browser", "proxy", "installation"])
})

test("what cannot be undone is told, and keeps nothing else from being undone", async () => {
  const undone: string[] = []
  const cleanUp = new CleanUp()
  cleanUp.defer(async () => {
    undone.push("installation")
  })
  cleanUp.defer(() => Promise.reject(new Error("the browser does not close")))
  await assert.rejects(() => cleanUp.run(), /the browser does not close/)
  assert.deepEqual(undone, ["installation"])
})

test.run()
