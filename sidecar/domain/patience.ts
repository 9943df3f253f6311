/**
 * How long something may take before it is given up, in seconds of a machine that has time for it: where ten times as many
 * processes want a processor as there are, what takes ten times as long is not in trouble.
 */
export class Patience {
  #left: number

  constructor(seconds: number) {
    this.#left = seconds
  }

  /** `load`: how many want a processor, for each that there is. */
  spend(seconds: number, load: number): void {
    this.#left -= seconds / Math.max(1, load)
  }

  get isOver(): boolean {
    return this.#left <= 0
  }
}
