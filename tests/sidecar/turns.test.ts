import { suite } from "uvu"
import * as assert from "uvu/assert"
import { Patience } from "../../sidecar/domain/patience.ts"
import { Turns } from "../../sidecar/domain/turns.ts"

const test = suite("turns and patience")
const { signal } = new AbortController()

test("so many go at once, and who waits goes in the order of rank, not of coming", async () => {
  const turns = new Turns(1)
  const went: number[] = []
  const giveBack = await turns.take(9, signal)
  const waiting = [3, 1, 2].map(async (rank) => {
    const end = await turns.take(rank, signal)
    went.push(rank)
    end()
  })
  await Promise.resolve()
  assert.equal(went, [])
  giveBack()
  await Promise.all(waiting)
  assert.equal(went, [1, 2, 3])
})

test("a turn that is given back twice is one turn", async () => {
  const turns = new Turns(1)
  const giveBack = await turns.take(1, signal)
  giveBack()
  giveBack()
  await turns.take(1, signal)
  let second = false
  void turns.take(1, signal).then(() => {
    second = true
  })
  await new Promise((resolve) => setTimeout(resolve, 5))
  assert.not.ok(second)
})

test("who is called off while waiting does not take the turn of another", async () => {
  const turns = new Turns(1)
  const giveBack = await turns.take(1, signal)
  const calledOff = new AbortController()
  const first = turns.take(1, calledOff.signal).catch((error: Error) => error)
  const second = turns.take(2, signal)
  calledOff.abort(new Error("called off"))
  assert.is(((await first) as Error).message, "called off")
  giveBack()
  await second
})

test("on a machine that is ten times too busy, patience lasts ten times as long", () => {
  const patience = new Patience(120)
  for (let second = 0; second < 1199; second += 1) patience.spend(1, 10)
  assert.not.ok(patience.isOver)
  patience.spend(1.1, 10)
  assert.ok(patience.isOver)
})

test("one that has nothing to do is not waited for any longer", () => {
  const patience = new Patience(120)
  patience.spend(120, 0.1)
  assert.ok(patience.isOver)
})

test.run()
