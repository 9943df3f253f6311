/** What /readyz asks: everybody without whom nothing can be worked on. */
import type { Databases } from "../drivers/driver.ts"
import type { Availability } from "../reconcile/availability.ts"
import type { Served, Session } from "../reconcile/session.ts"
import type { Check } from "./health.ts"

export interface CheckedParts {
  readonly session: Pick<Session, "check">
  readonly master: Pick<Availability, "reason">
  readonly databases: Pick<Databases, "ping" | "problems">
  readonly target: string
  readonly describe: Served["describe"]
}

export function checksOf({ session, master, databases, target, describe }: CheckedParts): Check[] {
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
        const { ready, notes, missingIsolation } = await describe()
        if (!ready) throw new Error(notes.join(" "))
        return [...notes, ...missingIsolation].join(" ")
      },
    },
  ]
}
