/** The end of a file that a tenant writes. A tenant could put a link to somebody else's file, or a pipe, in its place. */
import { constants, open } from "node:fs/promises"

/** More than a person reads; a log may have grown to gigabytes. */
const mostBytes = 64 * 1024

/** "" where there is no such file, or no plain one. */
export async function tail(path: string, lines: number): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(refusedIsNull)
  if (file === null) return ""
  try {
    const { size, isFile } = await file.stat().then((stat) => ({ size: stat.size, isFile: stat.isFile() }))
    if (!isFile) return ""
    const length = Math.min(size, mostBytes)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length)
    return buffer.toString("utf8", 0, bytesRead).trimEnd().split("\n").slice(-lines).join("\n")
  } finally {
    await file.close()
  }
}

function refusedIsNull(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT" || error.code === "ELOOP" || error.code === "ENXIO") return null
  throw error
}
