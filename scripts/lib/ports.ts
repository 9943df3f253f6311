/** Is a port free, and who has it if not? */
import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { createServer } from "node:net"

const loopback = "127.0.0.1"
/** Where nginx listens: somebody who has the port on one address of this machine is in its way. */
export const everyAddress = "0.0.0.0"

export async function isFree(port: number, host = loopback): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(false)
      else if (error.code === "EACCES")
        reject(new Error(`Port ${port} may be used by root only. Choose one above 1023.`))
      else reject(error)
    })
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** Name and pid of the process that is in the way there, where this user may know it. */
export function holderOf(port: number, host = loopback): string | null {
  const inodes = new Set<string>()
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of linesOf(table).slice(1)) {
      const [, local = "", , state, , , , , , inode] = line.trim().split(/\s+/)
      const [address = "", number = ""] = local.split(":")
      const isThere = state === "0A" && Number.parseInt(number, 16) === port
      if (isThere && inode && isInTheWay(address, host)) inodes.add(inode)
    }
  }
  if (inodes.size === 0) return null
  for (const pid of entries("/proc").filter((name) => /^\d+$/.test(name))) {
    for (const fd of entries(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(target(`/proc/${pid}/fd/${fd}`))?.[1]
      if (inode && inodes.has(inode)) return `${linesOf(`/proc/${pid}/comm`)[0] ?? "a process"} (pid ${pid})`
    }
  }
  return null
}

/** `address` is written as in /proc/net/tcp. Who has a port on every address has it on each. */
function isInTheWay(address: string, host: string): boolean {
  const bytes = host.split(".").map((byte) => Number(byte).toString(16).padStart(2, "0"))
  return /^0+$/.test(address) || host === everyAddress || address === bytes.reverse().join("").toUpperCase()
}

/** Throws a sentence that names the port, its holder and the setting to change. */
export async function demandFree(port: number, setting: string, what: string, host = loopback): Promise<void> {
  if (await isFree(port, host)) return
  const holder = holderOf(port, host) ?? "another process (which one only root can see)"
  const other = await pickFree(port + 1, Math.min(port + 1000, 65_535))
  throw new Error(
    `Port ${port} for ${what} is taken by ${holder}. Stop that, or choose another: ${setting}=${other} npm start`,
  )
}

/** A port that nobody has right now, from the range that the kernel does not hand out by itself. */
export async function pickFree(from: number, to: number): Promise<number> {
  const first = from + Math.floor(Math.random() * (to - from))
  for (let step = 0; step < to - from; step++) {
    const port = from + ((first - from + step) % (to - from))
    if (await isFree(port)) return port
  }
  throw new Error(`No port between ${from} and ${to} is free.`)
}

// Processes come and go while we look, and most belong to others: what cannot be read has nothing to tell.
const unreadable = new Set(["ENOENT", "EACCES", "EPERM", "ESRCH", "EINVAL"])

function look<T>(read: () => T, nothing: T): T {
  try {
    return read()
  } catch (error) {
    if (unreadable.has((error as NodeJS.ErrnoException).code ?? "")) return nothing
    throw error
  }
}

const entries = (path: string): string[] => look(() => readdirSync(path), [])
const target = (path: string): string => look(() => readlinkSync(path), "")
const linesOf = (path: string): string[] => look(() => readFileSync(path, "utf8"), "").split("\n")
