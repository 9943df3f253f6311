/** What a test that was killed leaves running goes when the next one begins, and nothing of it stays on the machine. */
import { strict as assert } from "node:assert"
import { type SpawnOptions, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { suite } from "uvu"
import { run } from "../../scripts/lib/commands.ts"
import { repo } from "../../scripts/lib/paths.ts"
import { until } from "../helpers/wait.ts"
import { OwnCluster, removeOrphans } from "./own-cluster.ts"

const suiteOf = suite("a killed run")
/** A cluster that was there before has no run. */
const test = process.env.KUBECONFIG ? suiteOf.skip : suiteOf

test("its cluster is found and removed", async () => {
  const module = join(repo, "tests/cluster/cluster.ts")
  // Its standard input keeps it: it is to be killed, not to end by itself.
  const program = `
    const { makeCluster } = await import(${JSON.stringify(module)})
    await makeCluster("killed")
    process.stdin.resume()`
  const options: SpawnOptions = { cwd: repo, stdio: ["pipe", "inherit", "inherit"] }
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program], options)
  const name = `killed-${child.pid}`
  const cluster = await until("its node is ready", () => readyCluster(name), { seconds: 120, everyMs: 500 })
  child.kill("SIGKILL")
  await once(child, "exit")
  assert.notDeepEqual(processesOf(cluster), [])

  // Another run on this machine may have been quicker; then it is removed all the same.
  await removeOrphans()
  assert.deepEqual(processesOf(cluster), [])
  assert.equal(existsSync(cluster.folder), false)
  assert.doesNotMatch(await run("ip", ["-o", "link", "show"]), new RegExp(cluster.addresses.bridge))
  assert.doesNotMatch(await run("ip", ["route"]), new RegExp(`^10\\.${cluster.addresses.number}\\.`, "m"))
  assert.equal(readFileSync("/proc/mounts", "utf8").includes(cluster.folder), false)
  const groups = await run("find", ["/sys/fs/cgroup", "-maxdepth", "2", "-name", `*-k${cluster.addresses.number}`])
  assert.equal(groups, "")
})

/** With real containers in it, which are what is hard to get rid of. */
async function readyCluster(name: string): Promise<OwnCluster | null> {
  const found = OwnCluster.find(name)
  if (found === null || !found.daemons.every((daemon) => daemon.pid() !== null)) return null
  const pods = await found.kubectl.list("pods", "kube-system")
  return pods.some(({ status }) => status.phase === "Running") ? found : null
}

/** Its programs have its folder on their command line, and what containers run is in its cgroup. */
function processesOf({ folder, addresses }: OwnCluster): string[] {
  const pids = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))
  return pids.filter((pid) => {
    const isProgram = read(`/proc/${pid}/cmdline`).includes(folder)
    return isProgram || read(`/proc/${pid}/cgroup`).includes(`/odoo-saas-k${addresses.number}/`)
  })
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch (error) {
    // It has ended since it was listed.
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return ""
    throw error
  }
}

suiteOf.run()
