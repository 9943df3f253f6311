/** From a confirmed quotation to an Odoo that serves, on one installation as `npm start` makes it. */
import { makeInstallation } from "../../tests/helpers/installation.ts"
import { Master } from "../../tests/helpers/master.ts"
import { benchmark, type Session } from "../lib/benchmark.ts"
import { burstOf20 } from "./burst-of-20.ts"
import { confirmToClient } from "./confirm-to-client.ts"
import { confirmToLogin } from "./confirm-to-login.ts"
import { Customers } from "./customers.ts"
import { idle } from "./idle.ts"
import { installModules } from "./install-modules.ts"
import { killedToServing } from "./killed-to-serving.ts"
import type { World } from "./world.ts"

async function open({ cleanUp }: Session): Promise<World> {
  // Writes reach the disk, as they do where people rely on them.
  const making = makeInstallation("bench", { parts: "all", durable: true })
  cleanUp.defer(async () => {
    // One that could not be made has removed itself.
    const made = await making.catch(() => null)
    await made?.destroy()
  })
  const it = await making
  const master = new Master(it.master)
  return { it, master, customers: new Customers(master) }
}

export const provision = benchmark("provision", open, {
  "confirm-to-login": confirmToLogin,
  "install-modules": installModules,
  "confirm-to-client": confirmToClient,
  // Leaves its tenants running for the parts that follow.
  "burst-of-20": burstOf20,
  "killed-to-serving": killedToServing,
  idle,
})
