/**
 * What PostgreSQL keeps of a password (RFC 5803, RFC 7677). It is sent instead of the password, so that no statement
 * log ever shows one.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto"

/** PostgreSQL's own default. */
const usualIterations = 4096

export function scramVerifier(
  password: string,
  salt: Buffer = randomBytes(16),
  iterations: number = usualIterations,
): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, "sha256")
  const hmac = (text: string) => createHmac("sha256", salted).update(text).digest()
  const storedKey = createHash("sha256").update(hmac("Client Key")).digest("base64")
  return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${storedKey}:${hmac("Server Key").toString("base64")}`
}
