/** What a process takes of the machine, as the kernel counts it. */
import { readFileSync } from "node:fs"

/** A clock tick of /proc on Linux, whatever the kernel's own is. */
const ticksPerSecond = 100

/** Processor seconds of all of its threads since it started. */
export function processorSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  // The second field is the name in brackets and may itself hold spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** What of its memory is in RAM, what it shares with others included, in millions of bytes. */
export function residentMegabytes(pid: number): number {
  return megabytes(pid, "VmRSS")
}

/** The most that ever was. */
export function peakMegabytes(pid: number): number {
  return megabytes(pid, "VmHWM")
}

function megabytes(pid: number, field: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8")
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]
  if (kilobytes === undefined) throw new Error(`Process ${pid} has no memory: it has ended.`)
  return (Number(kilobytes) * 1024) / 1e6
}
