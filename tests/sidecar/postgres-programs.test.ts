import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { suite } from "uvu"
import * as assert from "uvu/assert"
import { withLogins } from "../../sidecar/databases/programs.ts"

const test = suite("PostgreSQL's programs")

const run = mkdtempSync(join(tmpdir(), "programs-"))
const bin = "/usr/lib/postgresql/15/bin"
const shared = { host: "10.0.0.5", port: 5432, user: "saas_operator", password: "plain" }
const own = {
  host: "fd00::7",
  port: 5433,
  ssl: false,
  user: "saas_operator",
  password: "with:colons\\and more",
} as const

test.after(() => rmSync(run, { recursive: true }))

test("they find passwords in a file that only we can read, and nowhere else, while they are needed", async () => {
  const { args, env, program, text, mode, services } = await withLogins(
    { run, bin },
    "tacme234567",
    [shared, own],
    async (command) => {
      const made = command("pg_dump", own, ["-Fc", "-d", "tacme234567"])
      const file = made.env.PGPASSFILE ?? ""
      const services = readFileSync(made.env.PGSERVICEFILE ?? "", "utf8")
      return { ...made, text: readFileSync(file, "utf8"), mode: statSync(file).mode & 0o777, services }
    },
  )
  assert.is(program, `${bin}/pg_dump`)
  assert.equal(args, ["-h", "fd00::7", "-p", "5433", "-U", "saas_operator", "-w", "-Fc", "-d", "tacme234567"])
  assert.is(env.PGSSLMODE, "disable")
  assert.is(env.PGREQUIREAUTH, "scram-sha-256")
  assert.is(mode, 0o600)
  assert.equal(text.trimEnd().split("\n"), [
    "10.0.0.5:5432:*:saas_operator:plain",
    "fd00\\:\\:7:5433:*:saas_operator:with\\:colons\\\\and more",
  ])
  assert.not(existsSync(env.PGPASSFILE ?? ""))
  assert.match(services, `[${env.PGSERVICE}]`)
  assert.match(services, "tcp_user_timeout=60000")
  assert.not(existsSync(env.PGSERVICEFILE ?? ""))
})

test("the passwords are gone after a failure, too", async () => {
  let file = ""
  const failing = withLogins({ run, bin: "" }, "tacme234567", [shared], async (command) => {
    const { program, env } = command("pg_restore", shared, [])
    assert.is(program, "pg_restore")
    assert.is(env.PGSSLMODE, undefined)
    file = env.PGPASSFILE ?? ""
    throw new Error("the disk is full")
  })
  await failing.then(assert.unreachable, (error) => assert.match(error.message, "the disk is full"))
  assert.ok(file)
  assert.not(existsSync(file))
})

test.run()
