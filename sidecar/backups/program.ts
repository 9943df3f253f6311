/** A program of a backup or a restore, such as tar and pg_dump. */
import { basename } from "node:path"
import { execa } from "execa"
import { PermanentError, RetryableError } from "../domain/errors.ts"
import type { Fence } from "../drivers/driver.ts"

const longestRunHours = 2

/** Not for ever: what a tenant has put into its database is computed while a dump is made and restored. */
export async function runProgram(
  program: string,
  args: readonly string[],
  { signal }: Pick<Fence, "signal">,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const answer = await execa(program, args, {
    env,
    reject: false,
    stdout: "ignore",
    cancelSignal: signal,
    timeout: longestRunHours * 3_600_000,
  })
  signal.throwIfAborted()
  const name = basename(program)
  if (answer.timedOut) {
    throw new PermanentError(
      `${name} did not end within ${longestRunHours} hours, so the final backup is not verified and nothing is deleted.`,
    )
  }
  if (answer.failed) {
    throw new RetryableError(`${name} failed: ${answer.stderr.trim().split("\n").at(-1) || answer.shortMessage}`)
  }
}
