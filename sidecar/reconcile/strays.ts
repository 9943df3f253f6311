/** Tenants that are there and that nobody wants: told to the master, for a person to decide. Nothing is done to them. */
import type { Logger } from "pino"
import { isTenantId } from "../domain/names.ts"
import type { TenantId } from "../domain/tenant.ts"
import type { StrayInfo } from "../odoo/port.ts"
import type { World } from "./world.ts"

type Places<E> = Pick<World<E>, "target" | "databases">
type Test = (tenant: TenantId) => boolean

/** null where a part of the world cannot be looked at: who is not seen there is not known to be gone. */
export async function findStrays<E>(places: Places<E>, isKnown: Test, log: Logger): Promise<StrayInfo[] | null> {
  try {
    return await lookFor(places, (tenant) => isTenantId(tenant) && !isKnown(tenant))
  } catch (error) {
    // Whoever is away is told of by others.
    log.debug({ err: error }, "tenants that nobody knows could not be looked for")
    return null
  }
}

async function lookFor<E>({ target, databases }: Places<E>, isStray: Test): Promise<StrayInfo[]> {
  const here = new Map((await target.find()).filter(({ id }) => isStray(id)).map((one) => [one.id, one]))
  const found = (await databases.find([...here.keys()])).filter(({ tenant }) => isStray(tenant))
  const ids = new Set([...here.keys(), ...found.map(({ tenant }) => tenant)])
  const strays = [...ids].sort().map(async (id) => {
    const mine = found.filter(({ tenant }) => tenant === id)
    const shared = mine.find(({ isThere }) => isThere)
    const database = shared ? "shared" : here.get(id)?.ownServer ? "dedicated" : "none"
    const server = (shared ?? mine[0])?.server ?? ""
    const { hosts } = await target.router.observe(id)
    return { id, target: target.name, database, server, hosts } as const
  })
  return await Promise.all(strays)
}
