/** Awaits a condition by looking again and again; fails with the last thing seen, in words. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | undefined | false>,
  options: { readonly seconds?: number; readonly everyMs?: number; readonly seen?: () => Promise<string> } = {},
): Promise<T> {
  const seconds = options.seconds ?? 60
  const deadline = Date.now() + seconds * 1000
  let lastError: unknown
  while (Date.now() < deadline) {
    try {
      const found = await look()
      if (found) return found
      lastError = undefined
    } catch (error) {
      lastError = error
    }
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 100))
  }
  const seen = options.seen ? ` Last seen: ${await options.seen()}.` : ""
  const why = lastError instanceof Error ? ` Last error: ${lastError.message}.` : ""
  throw new Error(`Not within ${seconds} s: ${what}.${seen}${why}`)
}
