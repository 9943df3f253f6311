/** The pages that visitors see in place of a tenant. Each says what is going on and what they can do. */
import { z } from "zod"
import type { RouteState } from "../domain/plan.ts"
import { type Language, languages, type PageName, pageWords } from "./page-words.ts"

// Strict: one that an older version made tells more to visitors than it should, and is made anew.
const stateSchema = z.strictObject({ kind: z.enum(["suspended", "maintenance"]) })
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

/** The page of a state, or null where visitors reach the tenant itself. */
export function pageOf({ kind }: RouteState): PageState["kind"] | null {
  return kind === "suspended" || kind === "maintenance" ? kind : null
}

/** A file for nginx, which picks the visitor's language; its first line says which state it is. */
export function pageFile(kind: PageState["kind"]): string {
  return `<!-- ${JSON.stringify({ kind })} -->\n${inEachLanguage(kind)}`
}

/** The state that a page was made of; null for a page that is not ours. */
export function stateOf(text: string): PageState | null {
  // Not a dot: that stops at separators of lines which JSON leaves as they are.
  const found = /^<!-- (\{[^\n]*\}) -->\n/.exec(text)?.[1]
  return found === undefined ? null : (markSchema.safeParse(found).data ?? null)
}

/** The page in all languages, of which nginx shows that of its variable `saas_language`. */
export function inEachLanguage(name: PageName): string {
  const [first, ...others] = languages.map(
    (language) => `if expr="$saas_language = ${language}" -->${pageIn(language, name)}<!--# `,
  )
  return `<!--# ${first}${others.map((other) => `el${other}`).join("")}endif -->\n`
}

export function pageIn(language: Language, name: PageName): string {
  const { title, paragraphs } = pageWords[name][language]
  // Never where something was sent that may change things.
  const refresh = name === "starting" || name === "away" ? '<meta http-equiv="refresh" content="3">' : ""
  return `<!doctype html>
<html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">${refresh}
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
