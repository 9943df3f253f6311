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
  await awaitSome(ask, progress, seconds, (templates) => {
    demandSome(templates, "none failed")
    return templates.every(isReady)
  })
}

/**
 * Resolves when there is one to make customers' Odoos of, with the names of those that are still built in the background;
 * throws with the reason of one that failed where all have.
 */
export async function awaitFirstTemplate(ask: Ask, progress: Progress, seconds = 900): Promise<string[]> {
  const templates = await awaitSome(ask, progress, seconds, (found) => {
    demandSome(found, "not all failed")
    return found.some(isReady)
  })
  return templates.filter((template) => !isReady(template)).map(({ name }) => name)
}

const isReady = ({ state }: Template) => state === "ready"

function demandSome(templates: readonly Template[], what: "none failed" | "not all failed"): void {
  const failed = templates.filter(({ state }) => state === "failed")
  const [first] = failed
  if (!first || (what === "not all failed" && failed.length < templates.length)) return
  throw new Error(`The template ${first.name} could not be built: ${first.message}`)
}

async function awaitSome(
  ask: Ask,
  progress: Progress,
  seconds: number,
  suffice: (templates: readonly Template[]) => boolean,
): Promise<Template[]> {
  const plans = await ask<number>("product.template", "search_count", [[["is_saas_plan", "=", true]]])
  if (plans === 0) return []
  const look = async () => {
    const found = await ask<Template[]>("saas.template", "search_read", [[]], { fields: ["name", "state", "message"] })
    return found.length === 0 ? null : found
  }
  const there = await until(look, {
    seconds: secondsToAppear,
    every: 200,
    otherwise: () => "The master asks for no template although it has plans. Its log and the sidecar's may say why.",
  })
  if (suffice(there)) return there
  const open = there.filter((template) => !isReady(template)).map(({ name }) => name)
  return progress(`build templates for ${open.join(" and ")}`, ({ detail }) =>
    until(
      async () => {
        const templates = (await look()) ?? []
        detail(templates.map(({ state, message }) => message || state).join(", "))
        return suffice(templates) ? templates : null
      },
      { seconds, every: 500, otherwise: () => `The templates are not ready after ${seconds} s.` },
    ),
  )
}
