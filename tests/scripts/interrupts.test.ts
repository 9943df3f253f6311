import { test } from "uvu"
import * as assert from "uvu/assert"
import { undoAll, undoable } from "../../scripts/lib/interrupts.ts"

test("what is under way is undone, the latest first, and what is over is not", async () => {
  const undone: string[] = []
  const note = (name: string) => async () => undone.push(name)
  await undoable(note("over"), async () => undefined)
  await undoable(note("failed"), () => Promise.reject(new Error("no"))).catch(() => undefined)
  const ends: (() => void)[] = []
  const lasting = () => new Promise<void>((resolve) => ends.push(resolve))
  const work = [undoable(note("outer"), lasting), undoable(note("inner"), lasting)]
  await undoAll()
  assert.equal(undone, ["inner", "outer"])
  for (const end of ends) end()
  await Promise.all(work)
})

test.run()
