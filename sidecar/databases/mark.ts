/**
 * What we write on a database of ours, as its comment: comments are shared objects that only the owner changes, so
 * a tenant cannot forge one, and they change in the same transaction as what they speak of. Every tenant can read all
 * of them: they say nothing of what others have.
 */
import { z } from "zod"

const schema = z.object({
  /** The installation that made it: what carries another's id is never touched. */
  installation: z.string(),
  /** A tenant's id or a template's key. */
  subject: z.string(),
  stage: z.enum(["cloned", "prepared", "open", "building", "ready"]),
})

export type Mark = z.infer<typeof schema>

export function writeMark(mark: Mark): string {
  return JSON.stringify(mark)
}

/** null for no comment and for one that is not ours. */
export function readMark(comment: string | null): Mark | null {
  if (!comment?.startsWith("{")) return null
  try {
    return schema.safeParse(JSON.parse(comment)).data ?? null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}
