/** The few questions that the set-up asks of a running master, as its administrator. */
import { askSocket } from "./unix-http.ts"

export type Ask = <T>(model: string, method: string, args?: unknown[], kwargs?: Record<string, unknown>) => Promise<T>

export async function signOn(socket: string, password: string): Promise<Ask> {
  const uid = await call<number | false>(socket, "common", "login", ["master", "admin", password])
  if (!uid) throw new Error("The master refuses the administrator's password. Was it changed? Then set it back.")
  return (model, method, args = [], kwargs = {}) =>
    call(socket, "object", "execute_kw", ["master", uid, password, model, method, args, kwargs])
}

async function call<T>(socket: string, service: string, method: string, args: unknown[]): Promise<T> {
  const json = { jsonrpc: "2.0", method: "call", params: { service, method, args }, id: 1 }
  const said = await askSocket(socket, { path: "/jsonrpc", json, timeoutMs: 30_000 })
  if (said === null) throw new Error("The master does not answer.")
  const answer = JSON.parse(said.body) as { result: T; error?: { message: string; data?: { message?: string } } }
  if (answer.error) throw new Error(`The master says: ${answer.error.data?.message ?? answer.error.message}`)
  return answer.result
}
