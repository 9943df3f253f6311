import { pino } from "pino"
import { suite } from "uvu"
import * as assert from "uvu/assert"
import { Pulse } from "../../sidecar/drivers/kubernetes/pulse.ts"
import { until } from "../helpers/wait.ts"

const test = suite("the pulse of a cluster")

test("where it was not heard for a while, what was said meanwhile is asked for, once, and a line says so", async () => {
  const lines: string[] = []
  const log = pino({ level: "info" }, { write: (line) => void lines.push(JSON.parse(line).msg) })
  let heard = true
  let asked = 0
  let listed = 0
  const ask = async () => {
    asked += 1
    if (!heard) throw new Error("no answer")
  }
  const pulse = new Pulse({ ask, back: () => (listed += 1), log, beatMs: 5 })
  const more = async (times: number) => {
    const before = asked
    await until("it has asked", () => asked >= before + times, { everyMs: 2 })
  }
  pulse.start()
  await more(3)
  assert.is(listed, 0)
  heard = false
  await more(3)
  heard = true
  await more(3)
  await pulse.stop()
  assert.is(listed, 1)
  assert.equal(lines, ["the cluster is not heard", "the cluster is heard again: what was said meanwhile is asked for"])
})

test.run()
