/**
 * What has to be undone when a person ends the command in the middle of something that nothing else would find again,
 * such as a database that runs in a folder without a name yet.
 */
const toUndo = new Set<() => Promise<unknown>>()

/** `undo` is called when the command is interrupted while `work` is under way; `work` cleans up after itself otherwise. */
export async function undoable<T>(undo: () => Promise<unknown>, work: () => Promise<T>): Promise<T> {
  toUndo.add(undo)
  try {
    return await work()
  } finally {
    toUndo.delete(undo)
  }
}

/** The latest first: the earlier ones made room for them. */
export async function undoAll(): Promise<void> {
  for (const undo of [...toUndo].reverse()) await undo()
  toUndo.clear()
}
