import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import pg from "pg"
import { suite } from "uvu"
import * as assert from "uvu/assert"
import { tryRun } from "../../scripts/lib/commands.ts"
import { asUser } from "../../scripts/lib/os-user.ts"
import { isFree } from "../../scripts/lib/ports.ts"
import { Cluster, findPostgres, majorVersion } from "../../scripts/lib/postgres.ts"
import { startOf } from "../../scripts/lib/processes.ts"
import { ensureRole } from "../../sidecar/databases/roles.ts"
import { type Installation, makeInstallation } from "../helpers/installation.ts"
import { until } from "../helpers/wait.ts"

const test = suite<{ it: Installation }>("the private cluster")

test.before(async (context) => {
  context.it = await makeInstallation("cluster", { parts: "database" })
})
test.after(({ it }) => it.destroy())

async function connectAs(it: Installation, user: string, database: string, password: string): Promise<string> {
  const client = new pg.Client({ host: it.postgres.sockets, port: it.ports.postgres, user, database, password })
  await client.connect()
  const { rows } = await client.query("SELECT current_database() AS name")
  await client.end()
  return rows[0].name
}

async function asOperator({ ports, postgres, secrets }: Installation): Promise<pg.Client> {
  const name = "saas_operator"
  const password = secrets.read("pg-operator-password")
  const client = new pg.Client({ host: postgres.sockets, port: ports.postgres, user: name, database: name, password })
  await client.connect()
  return client
}

async function refusal(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => "it was let in",
    (error: Error) => error.message,
  )
}

test("each role gets in where it belongs, with the password of its file", async ({ it }) => {
  const operator = it.secrets.read("pg-operator-password")
  assert.is(await connectAs(it, "saas_operator", "saas_operator", operator), "saas_operator")
  assert.is(await connectAs(it, "saas_master", "master", it.secrets.read("pg-master-password")), "master")
  assert.match(
    await refusal(connectAs(it, "saas_operator", "saas_operator", "guess")),
    /password authentication failed/,
  )
})

test("the master's role gets in nowhere else", async ({ it }) => {
  const password = it.secrets.read("pg-master-password")
  for (const database of ["postgres", "template1", "saas_operator"]) {
    assert.match(await refusal(connectAs(it, "saas_master", database, password)), /no pg_hba.conf entry/)
  }
})

test("the superuser is nobody but root and PostgreSQL's own user, not even with a password", async ({ it }) => {
  await it.postgres.query("postgres", (client) => client.query("ALTER ROLE postgres PASSWORD 'known'"))
  const told = `host=${it.postgres.sockets} port=${it.ports.postgres} user=postgres password=known`
  const stranger = ["--reuid", String(it.uidBase + 7), "--regid", String(it.uidBase + 7), "--clear-groups"]
  const { code, output } = await tryRun("setpriv", [...stranger, "psql", told, "-c", "SELECT 1"], { cwd: "/" })
  assert.not.equal(code, 0)
  assert.match(output, /Peer authentication failed for user "postgres"/)
})

test("it listens at no port, and nobody else can put a socket where its own is", async ({ it }) => {
  const { sockets } = it.postgres
  assert.ok(await isFree(it.ports.postgres))
  assert.is(statSync(sockets).mode & 0o777, 0o711)
  assert.is(statSync(sockets).uid, it.postgres.options.osUser.uid)
  await it.postgres.stop()
  const stranger = ["--reuid", String(it.uidBase + 7), "--regid", String(it.uidBase + 7), "--clear-groups"]
  const bind = `import socket; socket.socket(socket.AF_UNIX).bind(${JSON.stringify(`${sockets}/.s.PGSQL.${it.ports.postgres}`)})`
  const { output } = await tryRun("setpriv", [...stranger, "/usr/bin/python3", "-c", bind], { cwd: "/" })
  assert.match(output, "PermissionError")
  await it.postgres.start()
})

test("one that runs with other settings than today's is known", async ({ it }) => {
  assert.not(it.postgres.isOutdated())
  assert.ok(new Cluster({ ...it.postgres.options, tcp: true }).isOutdated())
})

test("a folder that is too long for a socket is told in words", async () => {
  const folder = `/tmp/${"long/".repeat(20)}`
  const options = { folder, port: 5470, bin: "/nowhere", osUser: { name: "nobody", uid: 65534, gid: 65534 } }
  await new Cluster(options).create().then(
    () => assert.unreachable(),
    (error: Error) => {
      assert.match(error.message, /too long for a socket\. Set SAAS_STATE_DIR to a shorter folder\./)
    },
  )
  assert.not(existsSync("/tmp/long"))
})

test("what was committed survives a crash", async ({ it }) => {
  await it.postgres.query("saas_operator", (client) => client.query("CREATE TABLE kept AS SELECT 7 AS n"))
  await it.postgres.stop("immediate")
  assert.not(await it.postgres.answers())
  await it.postgres.start()
  const { rows } = await it.postgres.query("saas_operator", (client) => client.query("SELECT n FROM kept"))
  assert.equal(rows, [{ n: 7 }])
})

/** A pid whose process has ended and that its parent never collects, of the user that PostgreSQL runs as. */
async function uncollected(it: Installation): Promise<{ pid: number; parent: ChildProcess }> {
  const [command, args] = asUser(it.postgres.options.osUser, "sh", ["-c", "sleep 0.2 & echo $!; exec sleep 1000"])
  const parent = spawn(command, args, { cwd: "/", stdio: ["ignore", "pipe", "inherit"] })
  const [said] = await once(parent.stdout, "data")
  const pid = Number(said)
  await until("it has ended", () => startOf(pid) === null)
  assert.ok(existsSync(`/proc/${pid}`))
  return { pid, parent }
}

test("it comes back after its postmaster was killed, whose child is busy and whose pid is not free", async ({ it }) => {
  const pid = it.postgres.pid()
  assert.ok(pid)
  const busy = it.postgres.query("postgres", (client) => client.query("SELECT count(*) FROM generate_series(1, 1e12)"))
  const ended = busy.then(
    () => "it has counted to the end",
    (error: Error) => error.message,
  )
  await until("it is busy", () =>
    it.postgres.query("postgres", async (client) => {
      const { rowCount } = await client.query(
        "SELECT FROM pg_stat_activity WHERE query LIKE '%1e12%' AND state = 'active' AND pid <> pg_backend_pid()",
      )
      return rowCount === 1
    }),
  )
  process.kill(pid, "SIGKILL")
  await until("it is gone", () => it.postgres.pid() === null)
  const left = await uncollected(it)
  const file = join(it.postgres.data, "postmaster.pid")
  writeFileSync(file, readFileSync(file, "utf8").replace(/^\d+/, String(left.pid)))
  await it.postgres.start()
  left.parent.kill("SIGKILL")
  assert.ok(await it.postgres.answers())
  assert.match(await ended, /terminat|closed/i)
})

test("a cluster is run by the PostgreSQL that made it, and by no newer one", ({ it }) => {
  const folder = it.postgres.options.folder
  const made = readFileSync(join(folder, "data", "PG_VERSION"), "utf8").trim()
  assert.is(majorVersion(it.postgres.options.bin), made)
  if (process.env.PG_BIN) return
  assert.is(findPostgres(folder), `/usr/lib/postgresql/${made}/bin`)
  const older = mkdtempSync(join(tmpdir(), "cluster-"))
  mkdirSync(join(older, "data"))
  writeFileSync(join(older, "data", "PG_VERSION"), "9\n")
  assert.is(findPostgres(older), null)
  rmSync(older, { recursive: true })
})

test("who may act as a tenant's role is shut out, or it is said who can do that", async ({ it }) => {
  const client = await asOperator(it)
  const limits = { cpuMilli: 1000, memoryMb: 1024, storageMb: 1024, users: 5, connections: 5, workers: 0 }
  for (const name of ["saas_one", "saas_two"]) {
    await client.query(`CREATE DATABASE ${name} TEMPLATE template0`)
    await ensureRole(client, name, "secret", limits)
  }
  const asSuperuser = (sql: string) => it.postgres.query("postgres", (superuser) => superuser.query(sql))
  await client.query("GRANT saas_one TO saas_two")
  await ensureRole(client, "saas_one", "secret", limits)
  await asSuperuser("GRANT saas_one TO saas_two")
  const outcome = await ensureRole(client, "saas_one", "secret", limits).catch((error: Error) => error)
  if (Number(majorVersion(it.postgres.options.bin)) >= 16) {
    assert.match(
      String(outcome),
      /saas_two may act as saas_one, and only a superuser.*REVOKE "saas_one" FROM "saas_two"/,
    )
    await asSuperuser("REVOKE saas_one FROM saas_two CASCADE")
    await ensureRole(client, "saas_one", "secret", limits)
  }
  const { rows } = await asSuperuser(
    "SELECT member::regrole::text AS member FROM pg_auth_members WHERE roleid = 'saas_one'::regrole",
  )
  assert.equal([...new Set(rows.map(({ member }) => member))], ["saas_operator"])
  await client.end()
})

test("a statement that takes all the memory it can fails, and nothing else does", async ({ it }) => {
  const client = await asOperator(it)
  const started = async () => (await client.query("SELECT pg_postmaster_start_time()::text AS at")).rows[0].at
  const before = await started()
  await client.query("SET work_mem = '2GB'")
  await client.query("SET max_parallel_workers_per_gather = 0")
  const sorted = "SELECT repeat(md5(g::text), 30) AS text FROM generate_series(1, 1500000) g ORDER BY text"
  assert.match(await refusal(client.query(`SELECT count(*) FROM (${sorted}) AS sorted`)), /^out of memory/)
  assert.is(await started(), before)
  await client.end()
})

test("the operator may change the templates' owner and act as it", async ({ it }) => {
  const client = await asOperator(it)
  await client.query("GRANT saas_template TO CURRENT_USER")
  await client.query("ALTER ROLE saas_template CONNECTION LIMIT 7")
  await client.query("SET ROLE saas_template")
  await client.end()
})

test.run()
