/** Loaded before a test file: what the end of a run cuts short is undone (see interrupts.ts), then the file ends. */
import { undoAll } from "./interrupts.ts"

process.once("SIGTERM", () => {
  undoAll().then(
    () => process.exit(143),
    (error) => {
      console.error(error)
      process.exit(143)
    },
  )
})
