/** Templates are built by the sidecar; here somebody waits for them and shows how far they are. */
import type { Ask } from "./master-rpc.ts"
import type { Progress } from "./progress.ts"
import { until } from "./until.ts"

interface Template {
  readonly name: string
  readonly state: "pending" | "building" | "ready" | "failed"
  readonly message: string | false
}

/** The master asks for templates as soon as it knows a database server and a plan. */
const secondsToAppear = 60

/** Resolves when every template is ready; throws with the reason of one that failed. */
export async function awaitTemplates(ask: Ask, progress: Progress, seconds = 900): Promise<void> {
  const plans = await ask<number>("product.template", "search_count", [[["is_saas_plan", "=", true]]])
  if (plans === 0) return
  const look = () => ask<Template[]>("saas.template", "search_read", [[]], { fields: ["name", "state", "message"] })
  const open = await until(async () => unready(await look()), {
    seconds: secondsToAppear,
    every: 200,
    otherwise: () => "The master asks for no template although it has plans. Its log and the sidecar's may say why.",
  })
  if (open.length === 0) return
  await progress(`build templates for ${open.map(({ name }) => name).join(" and ")}`, async ({ detail }) => {
    await until(
      async () => {
        const templates = await look()
        const failed = templates.find(({ state }) => state === "failed")
        if (failed) throw new Error(`The template ${failed.name} could not be built: ${failed.message}`)
        detail(templates.map(({ state, message }) => message || state).join(", "))
        return templates.every(({ state }) => state === "ready") ? true : null
      },
      { seconds, every: 500, otherwise: () => `The templates are not ready after ${seconds} s.` },
    )
  })
}

/** null while there are none at all. */
function unready(templates: readonly Template[]): Template[] | null {
  return templates.length === 0 ? null : templates.filter(({ state }) => state !== "ready")
}
