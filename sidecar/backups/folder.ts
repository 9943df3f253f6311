import { mkdir } from "node:fs/promises"

/** Not `recursive`: where the disk is full, Node says of that only that the folder does not exist. */
export async function ensureFolder(path: string, mode?: number): Promise<void> {
  await mkdir(path, { mode }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error
  })
}
