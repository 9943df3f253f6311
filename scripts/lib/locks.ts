import { closeSync, openSync, rmSync, writeSync } from "node:fs"
import { readMark, startOf } from "./processes.ts"
import { until } from "./until.ts"

/** One process at a time; a lock whose holder is gone counts for nothing. `waiting` is called once, if it must wait. */
export async function withLock<T>(
  file: string,
  work: () => Promise<T>,
  waiting: () => void = () => undefined,
  seconds = 900,
): Promise<T> {
  let told = false
  await until(
    () => {
      if (tryLock(file)) return true
      if (!told) waiting()
      told = true
      return null
    },
    { seconds, every: 200, otherwise: () => `${file} is still held after ${seconds} s. Remove it if nobody works.` },
  )
  try {
    return await work()
  } finally {
    rmSync(file, { force: true })
  }
}

/** Takes it if it is free; the caller removes the file. */
export function tryLock(file: string): boolean {
  try {
    const handle = openSync(file, "wx", 0o600)
    writeSync(handle, JSON.stringify({ pid: process.pid, started: startOf(process.pid) }))
    closeSync(handle)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
    if (readMark(file) === null) rmSync(file, { force: true })
    return false
  }
}
