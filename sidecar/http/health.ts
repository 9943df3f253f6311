/** Whether everything that work needs is there. */
export interface Check {
  readonly name: string
  /** Resolves with a remark, "" where there is nothing to say; throws with the reason why it is not ready. */
  readonly run: () => Promise<string>
}

export interface Readiness {
  readonly ready: boolean
  readonly checks: Readonly<Record<string, { readonly ready: boolean; readonly reason: string }>>
}

/** A check that hangs is not ready. */
const checkSeconds = 3

export async function readiness(checks: readonly Check[]): Promise<Readiness> {
  const results = await Promise.all(
    checks.map(async ({ name, run }) => {
      try {
        return [name, { ready: true, reason: await withDeadline(run()) }] as const
      } catch (error) {
        return [name, { ready: false, reason: error instanceof Error ? error.message : String(error) }] as const
      }
    }),
  )
  return { ready: results.every(([, { ready }]) => ready), checks: Object.fromEntries(results) }
}

async function withDeadline<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`It did not answer within ${checkSeconds} s.`)), checkSeconds * 1000)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
