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

interface Running {
  readonly name: string
  readonly begun: number
  detail: string
}

/** Several steps at once share the live line. */
export function showProgress(out: NodeJS.WriteStream = process.stdout): Progress {
  const running = new Set<Running>()
  const words = ({ name, begun, detail }: Running) => `${name} ${seconds(begun)} ${detail}`
  const draw = () => {
    const line = [...running].map(words).join("· ")
    out.write(`\r\x1b[K${line === "" ? "" : `  … ${line}`.slice(0, (out.columns ?? 80) - 1)}`)
  }
  return async (name, work) => {
    const step: Running = { name, begun: performance.now(), detail: "" }
    running.add(step)
    const announce = out.isTTY ? null : setTimeout(() => out.write(`  … ${name}\n`), worthSaying * 1000)
    const timer = out.isTTY ? setInterval(draw, 100) : null
    const end = (mark: string) => {
      running.delete(step)
      if (announce) clearTimeout(announce)
      if (timer) clearInterval(timer)
      out.write(`${out.isTTY ? "\r\x1b[K" : ""}  ${mark} ${name} (${seconds(step.begun)})\n`)
    }
    try {
      const result = await work({
        detail: (text) => {
          step.detail = text
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
