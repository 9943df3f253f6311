/**
 * An exclusive lock between processes of one machine, held by a child that ends with us: flock(1) keeps it as long as
 * its input is open, and the kernel closes that however we end.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { RetryableError } from "../domain/errors.ts"

export interface FileLock {
  release(): Promise<void>
}

/** Whoever holds it does so for a moment, but there may be many before us on a machine that is busy. */
const lockSeconds = 60

/** Does something that one process at a time may do. The kernel lets go of the lock whenever its owner ends. */
export async function locked<T>(path: string, work: () => Promise<T>): Promise<T> {
  const lock = await takeLock(path)
  try {
    return await work()
  } finally {
    await lock.release()
  }
}

export async function takeLock(path: string, seconds = lockSeconds): Promise<FileLock> {
  const lock = await holdWithin(path, seconds)
  if (lock === null) throw new RetryableError(`Others have held ${path} for ${seconds} s.`)
  return lock
}

/** null where somebody else holds it. */
export async function tryLock(path: string): Promise<FileLock | null> {
  return await holdWithin(path, 0)
}

async function holdWithin(path: string, seconds: number): Promise<FileLock | null> {
  const holding = "held\n"
  const script = `printf '${holding}'; exec cat > /dev/null`
  const child = spawn("flock", ["-w", String(seconds), path, "sh", "-c", script], {
    stdio: ["pipe", "pipe", "ignore"],
    // A person's Ctrl-C is for us: what is cleaned up then is still ours alone.
    detached: true,
  })
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", reject)
    child.once("exit", () => resolve())
  })
  const answered = once(child.stdout, "data").then(([chunk]) => String(chunk))
  const got = await Promise.race([answered, ended.then(() => "")])
  if (got !== holding) return null
  return {
    release: async () => {
      child.stdin.end()
      await ended
    },
  }
}
