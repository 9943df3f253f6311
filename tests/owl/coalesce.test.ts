import { test } from "uvu"
import * as assert from "uvu/assert"
import { coalesce } from "../../owl-src/services/coalesce.ts"

/** A clock that is turned by hand, and work that ends when it is told to. */
function makeWorld() {
  const due = new Map<number, () => void>()
  const unfinished: (() => void)[] = []
  let handles = 0
  let starts = 0
  const refresh = coalesce(
    () => {
      starts += 1
      return new Promise<void>((done) => unfinished.push(done))
    },
    10,
    {
      setTimeout(callback) {
        handles += 1
        due.set(handles, callback)
        return handles
      },
      clearTimeout: (handle) => void due.delete(handle ?? 0),
    },
  )
  const settle = () => new Promise<void>((done) => setTimeout(done, 0))
  return {
    refresh,
    starts: () => starts,
    timers: () => due.size,
    passTime() {
      const callbacks = [...due.values()]
      due.clear()
      for (const callback of callbacks) callback()
    },
    async finish() {
      unfinished.shift()?.()
      await settle()
    },
  }
}

test("a burst leads to one run", () => {
  const world = makeWorld()
  for (let i = 0; i < 20; i += 1) world.refresh.soon()
  assert.is(world.timers(), 1)
  world.passTime()
  assert.is(world.starts(), 1)
  assert.is(world.timers(), 0)
})

test("asked while it runs, it runs once more, and only once", async () => {
  const world = makeWorld()
  world.refresh.soon()
  world.passTime()
  world.refresh.soon()
  world.refresh.soon()
  assert.is(world.timers(), 0, "never two at a time")
  await world.finish()
  world.passTime()
  assert.is(world.starts(), 2)
  await world.finish()
  assert.is(world.timers(), 0)
})

test("stopped, it does nothing more", async () => {
  const world = makeWorld()
  world.refresh.soon()
  world.refresh.stop()
  world.passTime()
  assert.is(world.starts(), 0)

  const busy = makeWorld()
  busy.refresh.soon()
  busy.passTime()
  busy.refresh.soon()
  busy.refresh.stop()
  await busy.finish()
  assert.is(busy.timers(), 0)
})

test.run()
