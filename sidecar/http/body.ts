import type { IncomingMessage } from "node:http"
import type { Context } from "koa"
import type { z } from "zod"

const longestBody = 16 * 1024

/** Reads JSON that the schema accepts, or answers 4xx with a sentence. */
export async function readJson<T extends z.ZodType>(context: Context, schema: T): Promise<z.output<T>> {
  const text = await readText(context.req)
  if (text === null) return context.throw(413, `The body may have at most ${longestBody} bytes.`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return context.throw(400, "The body is not JSON.")
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  return context.throw(422, `The body is wrong at ${issue?.path.join(".") || "its root"}: ${issue?.message}.`)
}

/** null when it is too long. */
async function readText(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    length += chunk.length
    if (length > longestBody) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString("utf8")
}
