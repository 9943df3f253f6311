/**
 * What the sidecar starts and leaves running on purpose, found by what it wrote into the state folder: nginx, the
 * holder and the tenants' Odoos. Only processes of this folder are ever named.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { orphanedWorkers } from "../../sidecar/routing/orphans.ts"
import { type ProcessMark, readMark, startOf } from "./processes.ts"

export interface Leftover {
  readonly name: string
  readonly mark: ProcessMark
}

/** `front` has to go first and in its order: nobody may start again what was just stopped. */
export async function leftovers(stateDir: string): Promise<{ front: Leftover[]; tenants: Leftover[] }> {
  const front = [...nginxOf(stateDir), ...(await holderOf(stateDir))]
  return { front, tenants: tenantsOf(stateDir) }
}

/** Tests run more than one. */
export function sidecarsOf(stateDir: string): Leftover[] {
  const folder = join(stateDir, "run")
  return namesIn(folder).flatMap((file) => {
    const mark = /^sidecar.*\.json$/.test(file) ? readMark(join(folder, file)) : null
    return mark ? [{ name: file.replace(/\.json$/, ""), mark }] : []
  })
}

function tenantsOf(stateDir: string): Leftover[] {
  const folder = join(stateDir, "tenants")
  return namesIn(folder).flatMap((name) => {
    const mark = readMark(join(folder, name, "runtime.json"))
    return mark ? [{ name: `tenant ${name}`, mark }] : []
  })
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : []
}

/** Its master process, or the workers of one that was killed: those serve on and hold the port. */
export function nginxOf(stateDir: string): Leftover[] {
  const folder = join(stateDir, "nginx")
  const master = nginxMaster(folder)
  if (master) return [{ name: "nginx", mark: master }]
  return orphanedWorkers(folder).flatMap((pid) => {
    const started = startOf(pid)
    return started === null ? [] : [{ name: `nginx's worker ${pid}`, mark: { pid, started } }]
  })
}

/** nginx writes a bare pid. It is ours if that process was started with our configuration. */
function nginxMaster(folder: string): ProcessMark | null {
  const file = join(folder, "nginx.pid")
  if (!existsSync(file)) return null
  const pid = Number(readFileSync(file, "utf8").trim())
  const started = startOf(pid)
  if (started === null) return null
  const line = readFileSync(`/proc/${pid}/cmdline`, "utf8")
  return line.includes(folder) ? { pid, started } : null
}

/** The holder tells its pid at its socket, which only its owner can open. */
export async function holderOf(stateDir: string): Promise<Leftover[]> {
  const path = join(stateDir, "run", "holder.sock")
  if (!existsSync(path)) return []
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(path)
    let text = ""
    socket.setEncoding("utf8").setTimeout(5000, () => socket.destroy(new Error(`${path} does not answer`)))
    socket.on("connect", () => socket.write('{"op":"ping"}\n'))
    socket.on("data", (chunk: string) => {
      text += chunk
      if (text.includes("\n")) socket.end()
    })
    socket.on("close", () => resolve(text))
    socket.on("error", (error: NodeJS.ErrnoException) => {
      // The socket of a holder that is gone.
      if (error.code === "ECONNREFUSED" || error.code === "ENOENT") resolve("")
      else reject(error)
    })
  })
  if (answer === "") return []
  const pid = Number(JSON.parse(answer).pid)
  const started = startOf(pid)
  return started === null ? [] : [{ name: "the holder of the tenants' sockets", mark: { pid, started } }]
}
