/** Tells what is being done and how long it took: a live line on a terminal, plain lines everywhere else. */

export interface Step {
  /** Replaces what is shown behind the name of the step. */
  detail(text: string): void
}

export type Progress = <T>(name: string, work: (step: Step) => Promise<T>) => Promise<T>

/** Quicker steps are not worth a line when nobody watches a terminal. */
const worthSaying = 1

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`
}

export function showProgress(out: NodeJS.WriteStream = process.stdout): Progress {
  return async (name, work) => {
    const begun = performance.now()
    let detail = ""
    const room = () => (out.columns ?? 80) - 1
    const draw = () => out.write(`\r\x1b[K${`  … ${name} ${seconds(begun)} ${detail}`.slice(0, room())}`)
    const announce = out.isTTY ? null : setTimeout(() => out.write(`  … ${name}\n`), worthSaying * 1000)
    const timer = out.isTTY ? setInterval(draw, 100) : null
    const end = (mark: string) => {
      if (announce) clearTimeout(announce)
      if (timer) clearInterval(timer)
      out.write(`${out.isTTY ? "\r\x1b[K" : ""}  ${mark} ${name} (${seconds(begun)})\n`)
    }
    try {
      const result = await work({
        detail: (text) => {
          detail = text
        },
      })
      end("✓")
      return result
    } catch (error) {
      end("✗")
      throw error
    }
  }
}

/** For tests and wherever only the outcome matters. */
export const silent: Progress = (_name, work) => work({ detail: () => undefined })
