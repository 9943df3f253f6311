/** Both addons through Odoo's own test runner: Python, HOOT in a real browser, and tours. */
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { tryRun } from "../lib/commands.ts"
import { type SnapshotKind, snapshotOf } from "../lib/master-snapshot.ts"
import { ensureOdoo } from "../lib/odoo.ts"
import { makeParts } from "../lib/parts.ts"
import { pickFree } from "../lib/ports.ts"
import { silent } from "../lib/progress.ts"
import { copyTree } from "../lib/snapshots.ts"
import { add, failure, filesEnding, nothing, type Result, type Suite } from "../lib/suite.ts"

interface AddonTests {
  readonly addon: string
  /** The database to begin with. */
  readonly on: SnapshotKind
  readonly args: readonly string[]
}

const addons: readonly AddonTests[] = [
  { addon: "saas_master", on: "master", args: ["-u", "saas_master"] },
  { addon: "saas_tenant", on: "base", args: ["-i", "saas_tenant", "--load=base,rpc,web,saas_tenant"] },
]

const present = addons.filter(({ addon }) => filesEnding(`addons/${addon}/tests`, ".py").length > 0)

export const odoo: Suite = {
  name: "odoo",
  exists: present.length > 0,
  async run({ logs, detail, signal }) {
    let total = nothing
    for (const tests of present) {
      if (signal.aborted) break
      detail(tests.addon)
      const result = testAddon(tests, join(logs, `${tests.addon}.log`), signal)
      total = add(
        total,
        await result.catch((error: Error) => failure(`${tests.addon} could not be tested: ${error.message}`)),
      )
    }
    return total
  },
}

async function testAddon({ addon, on, args }: AddonTests, log: string, signal: AbortSignal): Promise<Result> {
  const installed = await ensureOdoo(silent)
  const stateDir = mkdtempSync(join(tmpdir(), "saas-odoo-"))
  chmodSync(stateDir, 0o711)
  const postgres = await pickFree(21_000, 30_000)
  const ports = { postgres, master: await pickFree(postgres + 1, postgres + 50), sidecar: 0, http: 0 }
  const settings = { stateDir, ports, network: "127.66.0.0", uidBase: 200_000, durable: false, demo: false }
  const parts = await makeParts(settings, installed)
  try {
    await copyTree(await snapshotOf(on, installed, silent), stateDir)
    parts.secrets.ensure()
    await parts.postgres.create()
    await parts.postgres.start()
    await parts.postgres.ensureRoles(parts.secrets)
    await parts.master.writeFiles()
    const fixed = ["--stop-after-init", "--test-enable", `--test-tags=/${addon}`, "--max-cron-threads=0"]
    const [command, line] = parts.master.commandLine("server", [...args, ...fixed])
    const { code } = await tryRun(command, line, { cwd: "/", env: parts.master.env(), log, signal })
    return judge(addon, readFileSync(log, "utf8"), code)
  } finally {
    await parts.postgres.stop()
    rmSync(stateDir, { recursive: true })
  }
}

/** Odoo sums up in one line; what it could not run it only mentions, with exit code 0. */
function judge(addon: string, output: string, code: number): Result {
  const summary = /(\d+) failed, (\d+) error\(s\) of (\d+) tests/.exec(output)
  const total = Number(summary?.[3] ?? 0)
  if (total === 0)
    return failure(`${addon} ran no test (exit code ${code}):\n${output.trimEnd().split("\n").slice(-40).join("\n")}`)
  const skips = output.split("\n").filter((line) => / skipped .+ : /.test(line))
  const browserless = skips.filter((line) => /websocket|chrom|browser/i.test(line))
  const failed = Number(summary?.[1]) + Number(summary?.[2])
  const skipped = skips.length - browserless.length
  const problems = [
    ...(failed > 0 || code !== 0 ? [`${addon} (exit code ${code}):\n${errorsIn(output)}`] : []),
    ...browserless.map((line) => `${addon}: a browser test was skipped, which proves nothing: ${line}`),
  ]
  const bad = failed + browserless.length + (failed === 0 && code !== 0 ? 1 : 0)
  return { passed: Math.max(0, total - failed - skips.length), failed: bad, skipped, problems }
}

/** From each error to the next ordinary line of the log. */
function errorsIn(output: string): string {
  const errors: string[] = []
  let inside = false
  for (const line of output.split("\n")) {
    if (/^\d{4}-\d\d-\d\d /.test(line)) inside = / (ERROR|CRITICAL) /.test(line)
    if (inside) errors.push(line)
  }
  return errors.slice(0, 150).join("\n")
}
