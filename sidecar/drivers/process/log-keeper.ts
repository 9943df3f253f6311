/**
 * Keeps logs from filling the disk: one that has grown too large is cut back to its end. All of them are written in
 * append mode, so whoever writes goes on writing and need not be told; what is written in the very moment of the cut is
 * lost. A tenant writes in the folder of its log, so what lies there is not believed to be one.
 */
import { constants, type Stats } from "node:fs"
import { open, readdir, stat } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import type { Logger } from "pino"
import { isTenantId } from "../../domain/names.ts"
import type { Layout } from "./layout.ts"

export interface LogKeeperOptions {
  readonly layout: Layout
  /** How large a tenant's log may become, and how large every other one. */
  readonly tenantMb: number
  readonly otherMb: number
  readonly log: Logger
}

const megabyte = 1024 * 1024
const roundMs = 15_000
/** No more of a log than this is ever held in memory. */
const mostKept = 16 * megabyte

export class LogKeeper {
  readonly #options: LogKeeperOptions
  readonly #stopping = new AbortController()
  readonly #complained = new Set<string>()
  #loop: Promise<void> | null = null

  constructor(options: LogKeeperOptions) {
    this.#options = options
  }

  start(): void {
    this.#loop ??= this.#goRound()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#loop
  }

  /** Looks at every log once; never rejects. */
  async look(): Promise<void> {
    const { layout, tenantMb, otherMb } = this.#options
    await this.#told(layout.tenants, async () => {
      for (const tenant of (await namesIn(layout.tenants)).filter(isTenantId)) {
        await this.#keep(layout.log(tenant), tenantMb * megabyte)
      }
    })
    for (const folder of layout.logFolders) {
      await this.#told(folder, async () => {
        const logs = (await namesIn(folder)).filter((name) => name.endsWith(".log"))
        for (const name of logs) await this.#keep(join(folder, name), otherMb * megabyte)
      })
    }
  }

  async #goRound(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await this.look()
      await pause(roundMs, undefined, { signal }).catch(() => undefined)
    }
  }

  async #keep(path: string, most: number): Promise<void> {
    const { log } = this.#options
    await this.#told(path, async () => {
      if (await cutBack(path, most)) log.info({ log: path, mb: most / megabyte }, "a log was cut back to its end")
    })
  }

  /** A log that cannot be cut, or a folder that cannot be read, keeps no other from it, and is told once. */
  async #told(path: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
      this.#complained.delete(path)
    } catch (error) {
      if (this.#complained.has(path)) return
      this.#complained.add(path)
      this.#options.log.warn({ err: error, log: path }, "a log cannot be kept from growing")
    }
  }
}

/** Leaves the last half, from the beginning of a line. False where there is nothing to do. */
export async function cutBack(path: string, most: number): Promise<boolean> {
  const found = await stat(path).catch(missingIsNull)
  if (found === null || found.size <= most) return false
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const file = await open(path, flags)
  try {
    const about = await file.stat()
    refuseForeign(path, about, await stat(dirname(path)))
    const length = Math.min(Math.floor(most / 2), mostKept, about.size)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, about.size - length)
    const end = buffer.subarray(buffer.indexOf("\n") + 1, bytesRead)
    await file.truncate(0)
    await file.writeFile(end)
    return true
  } finally {
    await file.close()
  }
}

/** Links to other files, by either kind of link, and what belongs to somebody else are not cut. */
function refuseForeign(path: string, file: Stats, folder: Stats): void {
  if (file.isFile() && file.nlink === 1 && (file.uid === folder.uid || file.uid === process.getuid?.())) return
  throw new Error(`${basename(path)} is no log that was made there. Remove it: a new one is made at the next start.`)
}

async function namesIn(folder: string): Promise<string[]> {
  return await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return []
    throw error
  })
}

function missingIsNull(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT" || error.code === "ELOOP") return null
  throw error
}
