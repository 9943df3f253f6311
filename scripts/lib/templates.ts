/** Templates are built by the sidecar; here somebody waits for them and shows how far they are. */
import type { Ask } from "./master-rpc.ts"
import type { Progress } from "./progress.ts"
import { until } from "./until.ts"

interface Template {
  readonly name: string
  readonly state: "pending" | "building" | "ready" | "failed"
  readonly message: string | false
}

/** Resolves when there is at least one template and every one is ready; throws with the reason of one that failed. */
export async function awaitTemplates(ask: Ask, progress: Progress, seconds = 600): Promise<void> {
  const look = () => ask<Template[]>("saas.template", "search_read", [[]], { fields: ["name", "state", "message"] })
  const waiting = (await look()).filter(({ state }) => state !== "ready")
  if (waiting.length === 0) return
  await progress(`build ${waiting.map(({ name }) => name).join(", ")}`, async (step) => {
    await until(
      async () => {
        const templates = await look()
        const failed = templates.find(({ state }) => state === "failed")
        if (failed) throw new Error(`The template ${failed.name} could not be built: ${failed.message}`)
        step.detail(templates.map(({ state, message }) => message || state).join(", "))
        return templates.every(({ state }) => state === "ready") ? true : null
      },
      { seconds, every: 500, otherwise: () => `The templates are not ready after ${seconds} s.` },
    )
  })
}
