/**
 * The master as a salesperson or an operator uses it, in verbs. It speaks Odoo's own JSON-RPC as an ordinary
 * signed-on person, so that access rights and buttons are met as people meet them.
 */
export interface MasterAccess {
  readonly url: string
  readonly db: string
  readonly login: string
  readonly password: string
}

type Domain = readonly (readonly [string, string, unknown] | "|" | "&" | "!")[]
type Values = Readonly<Record<string, unknown>>

interface RpcAnswer {
  readonly result?: unknown
  readonly error?: { readonly message: string; readonly data?: { readonly message?: string } }
}

/** What Odoo says when it refuses, in the words that a person would read. */
export class MasterSaidNo extends Error {
  override readonly name = "MasterSaidNo"
}

export class Master {
  readonly access: MasterAccess
  private uid: number | null = null

  constructor(access: MasterAccess) {
    this.access = access
  }

  async call<T>(model: string, method: string, args: readonly unknown[] = [], kwargs: Values = {}): Promise<T> {
    this.uid ??= (await this.rpc("common", "login", [
      this.access.db,
      this.access.login,
      this.access.password,
    ])) as number
    const { db, password } = this.access
    return (await this.rpc("object", "execute_kw", [db, this.uid, password, model, method, args, kwargs])) as T
  }

  create(model: string, values: Values): Promise<number> {
    return this.call<number>(model, "create", [values])
  }

  write(model: string, id: number, values: Values): Promise<boolean> {
    return this.call<boolean>(model, "write", [[id], values])
  }

  search<T>(model: string, domain: Domain, fields: readonly string[], limit = 0): Promise<T[]> {
    return this.call<T[]>(model, "search_read", [domain], { fields, ...(limit ? { limit } : {}) })
  }

  async read<T>(model: string, id: number, fields: readonly string[]): Promise<T> {
    const rows = await this.call<T[]>(model, "read", [[id], fields])
    const row = rows[0]
    if (row === undefined) throw new Error(`${model} ${id} is not there`)
    return row
  }

  private async rpc(service: string, method: string, args: readonly unknown[]): Promise<unknown> {
    const response = await fetch(`${this.access.url}/jsonrpc`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", method: "call", params: { service, method, args }, id: 1 }),
      signal: AbortSignal.timeout(60_000),
    })
    // Refusals are answers, too; only a server in trouble has another status, and a page instead of an answer.
    if (!response.ok) throw new Error(`The master answered ${response.status} to ${method}; its log says why`)
    const answer = (await response.json()) as RpcAnswer
    if (answer.error) throw new MasterSaidNo(answer.error.data?.message ?? answer.error.message)
    return answer.result
  }
}
