/** The pages that visitors see in place of a tenant. Each says what is going on and what they can do. */
import { z } from "zod"
import type { RouteState } from "../domain/plan.ts"

const stateSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("suspended"), reason: z.string() }),
  z.object({ kind: z.literal("maintenance") }),
])
type PageState = z.infer<typeof stateSchema>

const markSchema = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown
    } catch {
      context.addIssue({ code: "custom", message: "This is no JSON." })
      return z.NEVER
    }
  })
  .pipe(stateSchema)

/** The page of a state, or null where visitors reach the tenant itself. Its first line says which state it is. */
export function pageOf(state: RouteState): string | null {
  switch (state.kind) {
    case "none":
    case "up":
    case "asleep":
      return null
    case "suspended":
      return (
        mark(state) +
        page("This Odoo is suspended", [
          state.reason,
          "Its data is kept. If you run this Odoo, log in to your customer portal or contact your provider.",
        ])
      )
    case "maintenance":
      return mark(state) + page("This Odoo is being worked on", ["Please come back in a few minutes."])
  }
}

/** The state that a page was made of; null for a page that is not ours. */
export function stateOf(text: string): PageState | null {
  // Not a dot: that stops at separators of lines which JSON leaves as they are.
  const found = /^<!-- (\{[^\n]*\}) -->\n/.exec(text)?.[1]
  return found === undefined ? null : (markSchema.safeParse(found).data ?? null)
}

export const unknownHostPage = page("There is no Odoo here", [
  "Nothing is served at this address. Check how it is spelt: an address changes when an Odoo is renamed.",
])

export const startingPage = page(
  "This Odoo is starting",
  ["It answers in a few seconds. This page tries again by itself."],
  '<meta http-equiv="refresh" content="3">',
)

/** For those who had sent something that may change things. */
export const interruptedPage = page("This Odoo was interrupted", [
  "It could not answer what you have just sent. It is back in a few seconds.",
  "Then go back and look whether it has arrived before you send it again.",
])

export const tooManyPage = page("Too many attempts to log in", [
  "There were many attempts from your network in a short time. Please wait a minute and try again.",
])

/** What is sent to a tenant at once; Odoo itself takes files of up to 128 MB unless it is told otherwise. */
export const largestBodyMb = 512

export const tooLargePage = page("That is too large", [
  `What you have sent is larger than ${largestBodyMb} MB, which is the most that this Odoo takes at once. ` +
    "Send it in smaller parts, or leave out large files.",
])

/** Nothing in it may end the comment. */
function mark(state: PageState): string {
  const json = JSON.stringify(state).replaceAll("<", "\\u003c").replaceAll(">", "\\u003e").replaceAll("-", "\\u002d")
  return `<!-- ${json} -->\n`
}

function page(title: string, paragraphs: readonly string[], head = ""): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">${head}
<title>${escapeHtml(title)}</title>
<style>
body{margin:0;min-height:100vh;display:grid;place-items:center;background:#f8f9fa;color:#374151;font:16px/1.5 system-ui,sans-serif}
main{max-width:32rem;margin:1rem;padding:2rem;background:#fff;border:1px solid #dee2e6;border-radius:.5rem}
h1{margin:0 0 .75rem;font-size:1.4rem;color:#212529}p{margin:.5rem 0;overflow-wrap:anywhere}
@media (prefers-color-scheme:dark){body{background:#1b1d26;color:#d1d5db}main{background:#262a36;border-color:#3c3f4c}h1{color:#fff}}
</style></head>
<body><main><h1>${escapeHtml(title)}</h1>${paragraphs.map((text) => `<p>${escapeHtml(text)}</p>`).join("")}</main></body></html>
`
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" }
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character)
}
