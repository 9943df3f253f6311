/**
 * A client of PostgreSQL that notices where its connection has died without a word, as where a network lost what was
 * sent. `pg` waits for an answer for ever, and Node has no way to tell the kernel when to give up (TCP_USER_TIMEOUT). So
 * where an answer takes long, PostgreSQL is asked through another connection whether it is still at work on it.
 */
import type pg from "pg"
import { isSocketFolder } from "../domain/socket-folder.ts"
import { ProvenClient } from "./proven-client.ts"

/** Not in pg's types. */
interface Insides {
  readonly connection: {
    readonly stream: { destroy(error?: Error): void }
    on(event: "readyForQuery", listener: () => void): void
  }
  /** False while an answer is awaited. */
  readonly readyForQuery: boolean
  readonly processID: number | null
  readonly password: string
  once(event: "connect" | "end", listener: () => void): void
}

/** What PostgreSQL does for the other end of a connection; `unknown`: nobody answers that. */
type Seen = "working" | "resting" | "gone" | "unknown"

const lookMs = 2_000
const askMs = 5_000

export class LivelyClient extends ProvenClient {
  constructor(config: pg.ClientConfig = {}) {
    super(config)
    // Nothing is lost on the way to a Unix socket.
    if (!isSocketFolder(this.host)) watch(this as unknown as Insides, () => askOf(config, this as unknown as Insides))
  }
}

function watch(client: Insides, ask: () => Promise<Seen>): void {
  let answers = 0
  let before = -1
  let wasWaiting = false
  let wasResting = false
  let asking = false
  const look = async () => {
    if (asking) return
    const isWaiting = !client.readyForQuery
    const isLong = isWaiting && wasWaiting && answers === before
    wasWaiting = isWaiting
    before = answers
    if (!isLong) {
      wasResting = false
      return
    }
    asking = true
    const seen = await ask()
    asking = false
    if (client.readyForQuery || answers !== before) return
    // Seen once, its answer may be on the way.
    if (seen === "gone" || (seen === "resting" && wasResting)) client.connection.stream.destroy(lost)
    wasResting = seen === "resting"
  }
  client.connection.on("readyForQuery", () => {
    answers += 1
  })
  client.once("connect", () => {
    const timer = setInterval(look, lookMs).unref()
    client.once("end", () => clearInterval(timer))
  })
}

const lost = new Error("Connection terminated: it died without a word, and PostgreSQL is not at work on what was asked")

async function askOf(config: pg.ClientConfig, { processID, password }: Insides): Promise<Seen> {
  const limits = { connectionTimeoutMillis: askMs, query_timeout: askMs, application_name: "saas heartbeat" }
  // A pool hides the password from whoever copies its settings.
  const client = new ProvenClient({ ...config, ...limits, password })
  // Told by the question, too.
  client.on("error", () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<{ state: string | null }>("SELECT state FROM pg_stat_activity WHERE pid = $1", [
      processID,
    ])
    const [row] = rows
    if (!row) return "gone"
    if (row.state === null) return "unknown"
    return row.state === "active" ? "working" : "resting"
  } catch {
    return "unknown"
  } finally {
    ;(client as unknown as Insides).connection.stream.destroy()
  }
}
