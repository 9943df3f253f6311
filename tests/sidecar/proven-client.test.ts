/** What our client of PostgreSQL tells a server that is not ours: nothing. */
import { createServer, type Server, type Socket } from "node:net"
import { suite } from "uvu"
import * as assert from "uvu/assert"
import { Operator } from "../../sidecar/databases/operator.ts"

const test = suite("a client of PostgreSQL that proves its server")

const password = "a password that nobody is told"

test("a server that asks for the password in clear is not told it", async () => {
  const seen = await meet([authentication(3)])
  assert.match(seen.error, /RetryableError: .*does not prove that it is ours: it asks for the password in clear/)
  assert.is(seen.after, "")
})

test("nor by MD5", async () => {
  const seen = await meet([authentication(5, Buffer.from("salt"))])
  assert.match(seen.error, "by MD5")
  assert.is(seen.after, "")
})

test("a server that lets everybody in is asked nothing", async () => {
  const seen = await meet([Buffer.concat([authentication(0), ready])])
  assert.match(seen.error, "it asks for no proof of anything")
  assert.is(seen.after, "")
})

test("nor one that begins to prove itself and does not come to the end", async () => {
  const seen = await meet([sasl, (first) => Buffer.concat([challenge(first), authentication(0), ready])])
  assert.match(seen.error, "it asks for no proof of anything")
  assert.not(seen.after.includes("SELECT"))
})

test("nor one that proves itself with a signature that is wrong", async () => {
  const wrong = authentication(12, Buffer.from(`v=${Buffer.alloc(32).toString("base64")}`))
  const seen = await meet([sasl, challenge, Buffer.concat([wrong, authentication(0), ready])])
  assert.match(seen.error, /signature/)
  assert.not(seen.after.includes("SELECT"))
  assert.not(seen.after.includes(password))
})

/** What a server says: at first, and after each message of the client's. */
type Saying = Buffer | ((heard: string) => Buffer)

interface Seen {
  readonly error: string
  /** Everything that came after the message that every client begins with. */
  readonly after: string
}

/** Of the pool and of a session of its own alike; both must end with an error. */
async function meet(sayings: readonly Saying[]): Promise<Seen> {
  const heard: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    let said = 0
    socket.on("data", (chunk) => {
      if (said > 0) heard.push(chunk.toString("latin1"))
      const saying = sayings[said++]
      if (saying) socket.write(typeof saying === "function" ? saying(chunk.toString("latin1")) : saying)
    })
    // The client leaves as it likes.
    socket.on("error", () => undefined)
  })
  const port = await listen(server)
  const operator = new Operator({ host: "127.0.0.1", port, user: "saas_operator", password, database: "saas_operator" })
  const failure = (work: Promise<unknown>) =>
    work.then(
      () => "it was believed",
      (error: Error) => `${error.name}: ${error.message}`,
    )
  const errors = [
    await failure(operator.session("saas_operator", "test", (client) => client.query("SELECT 1"))),
    await failure(operator.query("SELECT 1")),
  ]
  const left = [...sockets].map(
    (socket) => new Promise((gone) => (socket.closed ? gone(0) : socket.once("close", gone))),
  )
  await Promise.all(left)
  await operator.close()
  await new Promise((resolve) => server.close(resolve))
  assert.is(errors[0], errors[1])
  return { error: String(errors[0]), after: heard.join("") }
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resolve(typeof address === "object" && address ? address.port : 0)
    }),
  )
}

/** https://www.postgresql.org/docs/current/protocol-message-formats.html */
function message(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length + 4)
  return Buffer.concat([Buffer.from(type), length, body])
}

function authentication(kind: number, rest: Buffer = Buffer.alloc(0)): Buffer {
  const number = Buffer.alloc(4)
  number.writeInt32BE(kind)
  return message("R", Buffer.concat([number, rest]))
}

const ready = message("Z", Buffer.from("I"))
const sasl = authentication(10, Buffer.from("SCRAM-SHA-256\0\0"))

function challenge(first: string): Buffer {
  const nonce = /r=([^,]+)/.exec(first)?.[1]
  return authentication(11, Buffer.from(`r=${nonce}theirs,s=${Buffer.alloc(16).toString("base64")},i=4096`))
}

test.run()
