/** What a test that is ended in the middle of its work leaves: its own clean-up at its end never comes. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { type ProcessMark, startOf, stopProcess } from "./processes.ts"

/** As deep as they start one another anew: a holder its fork servers, a sidecar its nginx. */
const rounds = 5

/**
 * Ends every process that has to do with the folder, whoever started it: it is named on its command line or in its
 * environment, or it works there.
 */
export async function endAllIn(folder: string): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const found = processesIn(folder)
    if (found.length === 0) return
    await Promise.all(found.map((mark) => stopProcess(mark, 5)))
  }
  const left = processesIn(folder)
  if (left.length > 0) throw new Error(`Processes of ${folder} come again and again: ${left.map(({ pid }) => pid)}`)
}

export function processesIn(folder: string): ProcessMark[] {
  const pids = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
  return pids.flatMap((pid) => {
    if (!hasToDoWith(pid, folder)) return []
    const started = startOf(Number(pid))
    return started === null ? [] : [{ pid: Number(pid), started }]
  })
}

function hasToDoWith(pid: string, folder: string): boolean {
  const said = ["cmdline", "environ"].map((file) => unlessGone(() => readFileSync(`/proc/${pid}/${file}`, "utf8")))
  const texts = [...said, unlessGone(() => readlinkSync(`/proc/${pid}/cwd`))]
  return texts.some((text) => names(text, folder))
}

/** Not another folder whose name begins alike. */
function names(text: string, folder: string): boolean {
  for (let at = text.indexOf(folder); at >= 0; at = text.indexOf(folder, at + 1)) {
    if (!/[\w.-]/.test(text[at + folder.length] ?? "")) return true
  }
  return false
}

/** What ended meanwhile says nothing, and what belongs to another user is not ours. */
function unlessGone(look: () => string): string {
  try {
    return look()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code && ["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(code)) return ""
    throw error
  }
}
