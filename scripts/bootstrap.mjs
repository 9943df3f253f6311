/**
 * Runs before anything is installed, so it uses nothing but Node itself: brings node_modules up to the lock file
 * and hands over to `scripts/<command>.ts`.
 */
import { spawn, spawnSync } from "node:child_process"
import { existsSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const repo = dirname(dirname(fileURLToPath(import.meta.url)))
const [command = "", ...rest] = process.argv.slice(2)

if (Number(process.versions.node.split(".")[0]) < 20) {
  console.error(`Node ${process.versions.node} is too old: version 20 or newer is needed.`)
  process.exit(1)
}

const script = join(repo, "scripts", `${command}.ts`)
if (!/^[a-z-]+$/.test(command) || !existsSync(script)) {
  console.error(`There is no command "${command}". Look into package.json for those that are.`)
  process.exit(1)
}

// npm writes this file last, so it tells of a complete installation and when that was.
const installed = join(repo, "node_modules", ".package-lock.json")
const lock = join(repo, "package-lock.json")
if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lock).mtimeMs) {
  console.log("Installing node packages…")
  const npm = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: repo, stdio: "inherit" })
  if (npm.status !== 0) {
    console.error("npm ci failed; what it said above is the reason. Run the same command again once that is mended.")
    process.exit(1)
  }
}

const child = spawn(process.execPath, ["--import", "tsx", script, ...rest], { cwd: repo, stdio: "inherit" })
// The terminal tells the child by itself; a signal sent to this process alone has to be passed on.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal))
child.on("exit", (code, signal) => process.exit(signal ? 130 : (code ?? 1)))
