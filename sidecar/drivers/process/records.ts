/** Small files of ours beside a tenant's: all of a text or the one before it. */
import { chown, mkdir, rename, writeFile } from "node:fs/promises"
import { dirname } from "node:path"

/** With a group it is root's, and readable for that group as the mode says. */
export async function writeAtomically(
  path: string,
  text: string,
  mode: number,
  group: number | null = null,
): Promise<void> {
  const draft = `${path}.new`
  await mkdir(dirname(path), { recursive: true })
  await writeFile(draft, text, { mode })
  if (group !== null) await chown(draft, 0, group)
  await rename(draft, path)
}

export function missingIs<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === "ENOENT") return value
    throw error
  }
}
