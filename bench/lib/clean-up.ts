/** What has to be undone in the end, however that comes: the last thing made goes first. */

export type Release = () => Promise<void>

export class CleanUp {
  readonly #releases: Release[] = []

  /** Answers a function that undoes it right now; it is undone once, whoever comes first. */
  defer(release: Release): Release {
    let undone: Promise<void> | null = null
    const once = () => {
      undone ??= release()
      return undone
    }
    this.#releases.push(once)
    return once
  }

  /** Undoes all of it even where some cannot be undone, and throws the first reason for that. */
  async run(): Promise<void> {
    const reasons: unknown[] = []
    for (let release = this.#releases.pop(); release; release = this.#releases.pop()) {
      await release().catch((reason: unknown) => reasons.push(reason))
    }
    if (reasons.length > 0) throw reasons[0]
  }
}
