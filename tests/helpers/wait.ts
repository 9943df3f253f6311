import { until as waitUntil } from "../../scripts/lib/until.ts"

/**
 * Awaits a condition; what `look` throws on the way counts as "not yet", since what is looked at may be away for a
 * moment on purpose. Fails with what was waited for and the last thing seen, in words.
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  options: { readonly seconds?: number; readonly everyMs?: number; readonly seen?: () => Promise<string> } = {},
): Promise<T> {
  const seconds = options.seconds ?? 60
  let lastError: unknown
  const ask = async (): Promise<T | null> => {
    try {
      const found = await look()
      lastError = undefined
      return found || null
    } catch (error) {
      lastError = error
      return null
    }
  }
  const otherwise = () => {
    const why = lastError instanceof Error ? ` Last error: ${lastError.message}.` : ""
    return `Not within ${seconds} s: ${what}.${why}`
  }
  try {
    return await waitUntil(ask, { seconds, every: options.everyMs ?? 100, otherwise })
  } catch (error) {
    if (!options.seen) throw error
    throw new Error(`${error instanceof Error ? error.message : error} Last seen: ${await options.seen()}.`)
  }
}
