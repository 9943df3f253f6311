/** One process at a time. The kernel lets go of a lock however its holder ends; the file stays, and means nothing by itself. */
import { takeLock, tryLock } from "../../sidecar/routing/file-lock.ts"

/** `waiting` is called once, if it must wait. */
export async function withLock<T>(
  file: string,
  work: () => Promise<T>,
  waiting: () => void = () => undefined,
  seconds = 900,
): Promise<T> {
  let lock = await tryLock(file)
  if (lock === null) {
    waiting()
    lock = await takeLock(file, seconds)
  }
  try {
    return await work()
  } finally {
    await lock.release()
  }
}
