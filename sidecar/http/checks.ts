/**
 * What /readyz tells of everybody without whom nothing can be worked on. Whoever probes it often must cost little and
 * change nothing: the target is not looked at for that, it is told how it was found.
 */
import type { Databases } from "../drivers/driver.ts"
import type { Availability } from "../reconcile/availability.ts"
import type { Session } from "../reconcile/session.ts"
import type { Check } from "./health.ts"

export interface CheckedParts {
  readonly session: Pick<Session, "check" | "target">
  readonly master: Pick<Availability, "reason">
  readonly databases: Pick<Databases, "ping" | "problems">
  readonly target: string
}

export function checksOf({ session, master, databases, target }: CheckedParts): Check[] {
  return [
    {
      name: "master",
      run: async () => {
        if (master.reason !== null) throw new Error(master.reason)
        session.check()
        return ""
      },
    },
    {
      name: "postgresql",
      run: async () => {
        // Where one of several is away, the tenants of the others are worked on.
        const [problems] = await Promise.all([databases.problems(), databases.ping()])
        return problems.join(" ")
      },
    },
    {
      name: `target ${target}`,
      run: async () => {
        if (session.target === null) throw new Error("It was not looked at yet.")
        const { ready, notes, missingIsolation } = session.target
        if (!ready) throw new Error(notes.join(" "))
        return [...notes, ...missingIsolation].join(" ")
      },
    },
  ]
}
