/**
 * A client of PostgreSQL that makes its server prove itself before anything is asked of it. `pg` itself answers whatever
 * a server wants, the password in clear included, so whoever took the server's place would be told it. By SCRAM a server
 * has to show that it has the verifier of the password (RFC 5802), and learns nothing that it could use elsewhere.
 */
import type { EventEmitter } from "node:events"
import pg from "pg"
import { RetryableError } from "../domain/errors.ts"

/** What `pg` hears of the server, message by message; not in its types. */
interface Connection extends EventEmitter {
  readonly stream: { destroy(): void }
}

export class ProvenClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(config)
    const { connection } = this as unknown as { readonly connection: Connection }
    demandProof(connection, `${this.host}:${this.port}`)
  }
}

/** Stands between the server's messages and `pg`: what an unproven server says leads to nothing but an error. */
function demandProof(connection: Connection, place: string): void {
  const tell = connection.emit.bind(connection)
  let proven = false
  let failed = false
  const fail = (error: unknown) => {
    failed = true
    connection.stream.destroy()
    return tell("error", error)
  }
  connection.emit = (event, ...rest) => {
    if (event === "error") return fail(rest[0])
    // The rest of what it has sent already.
    if (failed) return event === "end" ? tell(event, ...rest) : false
    const objection = objections.get(event)
    if (objection !== undefined) return fail(unproven(place, objection))
    if (event === "authenticationOk" && !proven) return fail(unproven(place, "it asks for no proof of anything"))
    const heard = tell(event, ...rest)
    // `pg` has compared the signature by now, and one that is wrong was an error.
    if (event === "authenticationSASLFinal") proven = !failed
    return heard
  }
}

const objections: ReadonlyMap<string | symbol, string> = new Map([
  ["authenticationCleartextPassword", "it asks for the password in clear"],
  ["authenticationMD5Password", "it asks for the password by MD5"],
])

function unproven(place: string, objection: string): RetryableError {
  return new RetryableError(
    `The PostgreSQL at ${place} does not prove that it is ours: ${objection}. It was told nothing. See who answers ` +
      "there; where that is your own server, its pg_hba.conf must ask for scram-sha-256.",
  )
}
