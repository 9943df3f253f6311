/** Keeps the master told of what this sidecar serves, and knows which installation it works for. */
import type { Logger } from "pino"
import { type Backoff, backoffSeconds } from "../domain/backoff.ts"
import { RetryableError } from "../domain/errors.ts"
import {
  type HelloAnswer,
  type MasterPort,
  MasterUnavailable,
  protocolVersion,
  type ServerInfo,
  type StrayInfo,
  type TargetInfo,
} from "../odoo/port.ts"
import { Rest } from "./timing.ts"

/** What is served here, and how that is. */
export interface Served {
  readonly describe: () => Promise<TargetInfo>
  readonly servers: () => Promise<readonly ServerInfo[]>
  readonly strays: () => Promise<readonly StrayInfo[] | null>
}

export interface SessionOptions {
  readonly worker: string
  readonly version: string
  readonly master: MasterPort
  readonly log: Logger
}

const helloSeconds = 30
/**
 * After the first, by which we learn whose we are: some of what there is to tell can only be found out then. And while
 * the target is not ready: whoever mends it wants to see that.
 */
const soonSeconds = 8
const helloBackoff: Backoff = { first: 1, most: 15 }

export class Session {
  readonly #options: SessionOptions
  readonly #rest = new Rest()
  #answer: HelloAnswer | null = null
  #target: TargetInfo | null = null
  #problem = "The master was not reached yet."
  #loop: Promise<void> | null = null
  #stopping = false

  constructor(options: SessionOptions) {
    this.#options = options
  }

  /** Identifies what is ours: everything made carries it. Throws until the master has told it. */
  get installation(): string {
    if (this.#answer !== null) return this.#answer.installation
    throw new RetryableError(this.#problem)
  }

  /** How many operations wait in the master, as far as it told. */
  get queued(): number {
    return this.#answer?.queued ?? 0
  }

  /** How the target was when it was last looked at; null: nobody has yet. */
  get target(): TargetInfo | null {
    return this.#target
  }

  /** Throws a RetryableError with the reason while nothing may be worked on. */
  check(): void {
    if (this.#problem !== "") throw new RetryableError(this.#problem)
  }

  start(served: Served): void {
    this.#loop = this.#helloForEver(served)
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#rest.wake()
    await this.#loop
  }

  async #helloForEver(served: Served): Promise<void> {
    let failures = 0
    while (!this.#stopping) {
      const isFirst = this.#answer === null
      try {
        await this.#hello(served)
        failures = 0
      } catch (error) {
        failures += 1
        const message = error instanceof Error ? error.message : String(error)
        if (!(error instanceof MasterUnavailable)) this.#tell(message)
        if (this.#answer === null) this.#problem = message
      }
      const seconds = isFirst || !this.#target?.ready ? soonSeconds : helloSeconds
      await this.#rest.wait(failures === 0 ? seconds : backoffSeconds(failures, Math.random(), helloBackoff))
    }
  }

  async #hello(served: Served): Promise<void> {
    const { worker, version, master } = this.#options
    const [info, servers, strays] = await Promise.all([this.#look(served), served.servers(), served.strays()])
    const answer = await master.hello({ protocol: protocolVersion, worker, version, targets: [info], servers, strays })
    if (this.#answer !== null && this.#answer.installation !== answer.installation) {
      throw new RetryableError("The master now says it is another installation. Restart the sidecar if that is meant.")
    }
    this.#answer = answer
    this.#tell(problemOf(answer))
  }

  /** Kept at once: the master, or a database server, may be away when it is asked for. */
  async #look({ describe }: Served): Promise<TargetInfo> {
    this.#target = await describe()
    return this.#target
  }

  /** Logged when it changes, and only then. */
  #tell(problem: string): void {
    if (problem !== this.#problem && problem !== "") this.#options.log.warn({ reason: problem }, "nothing is claimed")
    this.#problem = problem
  }
}

function problemOf({ protocol, confirmed }: HelloAnswer): string {
  if (protocol !== protocolVersion) {
    return `The master speaks protocol ${protocol}, this sidecar ${protocolVersion}. Install versions that belong together.`
  }
  if (confirmed) return ""
  return "The master looks like a restored copy, so nothing is changed. If it is the one, confirm the installation in its SaaS settings."
}
