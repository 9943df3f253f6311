/** The few questions that the set-up asks of a running master, as its administrator. */

export interface MasterLogin {
  readonly url: string
  readonly password: string
}

export type Ask = <T>(model: string, method: string, args?: unknown[], kwargs?: Record<string, unknown>) => Promise<T>

export async function signOn({ url, password }: MasterLogin): Promise<Ask> {
  const uid = await call<number | false>(url, "common", "login", ["master", "admin", password])
  if (!uid) throw new Error("The master refuses the administrator's password. Was it changed? Then set it back.")
  return (model, method, args = [], kwargs = {}) =>
    call(url, "object", "execute_kw", ["master", uid, password, model, method, args, kwargs])
}

async function call<T>(url: string, service: string, method: string, args: unknown[]): Promise<T> {
  const response = await fetch(`${url}/jsonrpc`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", method: "call", params: { service, method, args }, id: 1 }),
    signal: AbortSignal.timeout(30_000),
  })
  const answer = (await response.json()) as { result: T; error?: { message: string; data?: { message?: string } } }
  if (answer.error) throw new Error(`The master says: ${answer.error.data?.message ?? answer.error.message}`)
  return answer.result
}
