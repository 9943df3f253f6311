/** Loaded before a test file: what the end of a run cuts short is undone (see interrupts.ts), then the file ends. */
import { undoAll } from "./interrupts.ts"

let ending = false

// Not `once`: libraries that listen, too, take a process whose last other listener is gone for one that is to die now.
process.on("SIGTERM", () => {
  if (ending) return
  ending = true
  undoAll().then(
    () => process.exit(143),
    (error) => {
      console.error(error)
      process.exit(143)
    },
  )
})
