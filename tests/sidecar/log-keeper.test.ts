/** Logs that grow, written by a process that knows nothing of their being cut, and by tenants who lay traps. */
import { spawn } from "node:child_process"
import {
  appendFileSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { pino } from "pino"
import { suite } from "uvu"
import * as assert from "uvu/assert"
import { Layout } from "../../sidecar/drivers/process/layout.ts"
import { cutBack, LogKeeper } from "../../sidecar/drivers/process/log-keeper.ts"
import { until } from "../helpers/wait.ts"

const test = suite("logs that grow")
const megabyte = 1024 * 1024
const tenant = "taaaaaaaaaa"

let folder: string
let layout: Layout
let said: string[]

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "saas-logs-"))
  layout = new Layout(folder)
  mkdirSync(dirname(layout.log(tenant)), { recursive: true })
  said = []
})

test.after.each(() => rmSync(folder, { recursive: true, force: true }))

function keeper(): LogKeeper {
  const log = pino({ base: null }, { write: (line: string) => said.push(line) })
  return new LogKeeper({ layout, tenantMb: 1, otherMb: 2, log })
}

function lines(count: number): string {
  return Array.from({ length: count }, (_, n) => `${String(n).padStart(9, "0")} something happened\n`).join("")
}

test("the end stays, in whole lines, and who writes goes on writing", async () => {
  const path = layout.log(tenant)
  const log = openSync(path, "a", 0o600)
  const program = `
    for (let n = 0; n < 60000; n++) require("fs").writeSync(1, String(n).padStart(9, "0") + " something happened\\n")
    process.stdin.once("data", () => { require("fs").writeSync(1, "still here\\n"); process.exit(0) })
    require("fs").writeSync(2, "written")`
  const writer = spawn(process.execPath, ["-e", program], { stdio: ["pipe", log, "pipe"] })
  closeSync(log)
  await new Promise((resolve) => writer.stderr?.once("data", resolve))
  assert.ok(statSync(path).size > megabyte)
  await keeper().look()
  assert.ok(statSync(path).size <= megabyte / 2, `${statSync(path).size} bytes are left`)
  assert.match(readFileSync(path, "utf8"), /^\d{9} something happened\n/)
  writer.stdin?.write("go on")
  await until("it has gone on", () => readFileSync(path, "utf8").endsWith("000059999 something happened\nstill here\n"))
})

test("a small one is left alone, and what is not there is no trouble", async () => {
  const path = layout.log(tenant)
  writeFileSync(path, lines(100))
  await keeper().look()
  assert.is(readFileSync(path, "utf8"), lines(100))
  assert.not(await cutBack(join(folder, "nowhere.log"), 1))
  assert.equal(said, [])
})

test("the logs of nginx, the sidecar, the master and PostgreSQL are kept, too", async () => {
  const logs = ["logs/sidecar.log", "nginx/logs/access.log", "master/odoo.log", "postgres/postgresql.log"]
  for (const name of logs) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), lines(100_000))
  }
  writeFileSync(join(folder, "master/backup.sql"), lines(100_000))
  await keeper().look()
  for (const name of logs) assert.ok(statSync(join(folder, name)).size <= megabyte, name)
  assert.is(statSync(join(folder, "master/backup.sql")).size, lines(100_000).length)
})

test("what a tenant puts in the place of its log is not cut, told once, and keeps nobody else's from it", async () => {
  const treasure = join(folder, "treasure")
  writeFileSync(treasure, lines(100_000))
  symlinkSync(treasure, layout.log(tenant))
  const other = "tbbbbbbbbbb"
  mkdirSync(dirname(layout.log(other)), { recursive: true })
  writeFileSync(layout.log(other), lines(100_000))
  const one = keeper()
  await one.look()
  await one.look()
  assert.is(statSync(treasure).size, lines(100_000).length)
  assert.ok(statSync(layout.log(other)).size < megabyte)
  assert.is(said.filter((line) => line.includes("cannot be kept")).length, 1)
  rmSync(layout.log(tenant))
  linkSync(treasure, layout.log(tenant))
  await one.look()
  assert.is(statSync(treasure).size, lines(100_000).length)
  assert.ok(existsSync(layout.log(tenant)))
})

test("a folder that cannot be read is told once, and ends nothing", async () => {
  rmSync(join(folder, "logs"), { recursive: true, force: true })
  writeFileSync(join(folder, "logs"), "no folder")
  mkdirSync(join(folder, "master"), { recursive: true })
  writeFileSync(join(folder, "master/odoo.log"), lines(100_000))
  const before = said.length
  const one = keeper()
  await one.look()
  await one.look()
  assert.ok(statSync(join(folder, "master/odoo.log")).size <= megabyte)
  assert.is(said.slice(before).filter((line) => line.includes("cannot be kept")).length, 1)
  rmSync(join(folder, "logs"))
})

test("it goes on by itself until it is stopped", async () => {
  const one = keeper()
  one.start()
  appendFileSync(layout.log(tenant), lines(100_000))
  await one.stop()
  const again = keeper()
  again.start()
  await until("it is cut", () => statSync(layout.log(tenant)).size < megabyte)
  await again.stop()
})

test.run()
