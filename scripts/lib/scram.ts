import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto"

/** What PostgreSQL keeps of a password (RFC 5803): sent instead of it, so that no statement log ever shows one. */
export function scramVerifier(password: string, salt = randomBytes(16), iterations = 4096): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, "sha256")
  const key = (name: string) => createHmac("sha256", salted).update(name).digest()
  const stored = createHash("sha256").update(key("Client Key")).digest("base64")
  const server = key("Server Key").toString("base64")
  return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${stored}:${server}`
}
