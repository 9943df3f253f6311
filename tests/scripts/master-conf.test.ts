/** The master's odoo.conf in a cluster: secrets as the sidecar reads them, and nothing that Odoo reads as something else. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { execa } from "execa"
import { suite } from "uvu"
import * as assert from "uvu/assert"
import { repo } from "../../scripts/lib/paths.ts"

const test = suite("the master's odoo.conf in a cluster")

const program = "import pathlib, sys, prepare_master; prepare_master.write_conf(pathlib.Path(sys.argv[1]))"

let folder = ""

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "saas-master-conf-"))
  mkdirSync(join(folder, "secrets"))
})

test.after.each(() => rmSync(folder, { recursive: true }))

/** What became of a password: as it stands in the file, or why there is no file. */
async function written(password: string | Buffer): Promise<string> {
  for (const name of ["odoo-master-password", "pg-master-password"])
    writeFileSync(join(folder, "secrets", name), password)
  const conf = join(folder, "odoo.conf")
  const env = { SAAS_SECRETS: join(folder, "secrets"), HOME: folder, PG_HOST: "postgres", PG_PORT: "5432" }
  const answer = await execa("/usr/bin/python3", ["-c", program, conf], {
    cwd: join(repo, "k8s/master"),
    env: { ...env, PYTHONDONTWRITEBYTECODE: "1" },
    reject: false,
  })
  if (answer.exitCode !== 0) return answer.stderr
  return /^db_password = (.*)$/m.exec(readFileSync(conf, "utf8"))?.[1] ?? ""
}

test("of a secret only the line's end is cut", async () => {
  assert.is(await written("geheim ß\r\n"), "geheim ß")
  assert.is(await written("none"), "none")
})

test("what Odoo would read as something else is refused, and not repeated", async () => {
  for (const password of ["None\n", "False", " hunter2", "hunter2 \n", "hunter2\nhunter3\n", "hunter2\0"]) {
    const refused = await written(password)
    assert.match(refused, "Odoo would not read the option", password)
    assert.not.match(refused, "hunter")
  }
  assert.match(await written(Buffer.from([0x70, 0xff])), "is not written in UTF-8")
})

test.run()
