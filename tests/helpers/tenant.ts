/** A person inside a tenant's Odoo, signed on with a one-time link as the portal makes it. */
import { readFileSync } from "node:fs"
import { request as httpRequest } from "node:http"

export interface TenantPlace {
  /** Such as `http://acme.localhost:8080`. */
  readonly url: string
  /** The opaque id. */
  readonly ref: string
}

export interface Signer {
  readonly sidecarUrl: string
  /** File that holds the bearer token of the sidecar's endpoints. */
  readonly tokenFile: string
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/**
 * HTTP to a host such as `acme.localhost`, which resolvers outside browsers do not all know: it connects to
 * 127.0.0.1 and names the host. Each visit has a connection of its own: one that is kept may be closed by a router that
 * takes up a change in the very moment when it is used again.
 */
export function visit(
  url: string,
  options: { readonly method?: string; readonly headers?: Record<string, string>; readonly body?: string } = {},
): Promise<Answer> {
  const { hostname, port, pathname, search } = new URL(url)
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        host: "127.0.0.1",
        port,
        path: pathname + search,
        method: options.method ?? "GET",
        headers: { host: `${hostname}:${port}`, ...options.headers },
        timeout: 60_000,
        agent: false,
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on("data", (chunk: Buffer) => chunks.push(chunk))
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString("utf8"),
          }),
        )
        response.on("error", reject)
      },
    )
    request.on("timeout", () => request.destroy(new Error(`${url} did not answer within a minute`)))
    request.on("error", reject)
    request.end(options.body)
  })
}

/** Asks the sidecar for a one-time sign-on token, as the master does: for the tenant's first user, or for staff. */
export async function signOnToken(
  signer: Signer,
  tenant: TenantPlace,
  person: { readonly login: string; readonly name: string; readonly staff?: boolean; readonly reason?: string },
): Promise<string> {
  const response = await fetch(`${signer.sidecarUrl}/sign-on`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${readFileSync(signer.tokenFile, "utf8").trim()}`,
    },
    body: JSON.stringify({ tenant: tenant.ref, subject: "first", staff: false, reason: "", ...person }),
  })
  if (!response.ok) throw new Error(`The sidecar signs nothing: ${response.status} ${await response.text()}`)
  return ((await response.json()) as { token: string }).token
}

/** Posts the token to the tenant; answers what the tenant said. */
export function redeem(tenant: TenantPlace, token: string): Promise<Answer> {
  return visit(`${tenant.url}/saas/sign-on`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ token }).toString(),
  })
}

/** What a tenant's Odoo answers when it refuses a call. */
export class TenantSaidNo extends Error {
  override readonly name = "TenantSaidNo"
}

export class TenantUser {
  private readonly tenant: TenantPlace
  private readonly cookie: string

  private constructor(tenant: TenantPlace, cookie: string) {
    this.tenant = tenant
    this.cookie = cookie
  }

  static async signOn(signer: Signer, tenant: TenantPlace, login: string): Promise<TenantUser> {
    return TenantUser.withToken(tenant, await signOnToken(signer, tenant, { login, name: login }))
  }

  static async withToken(tenant: TenantPlace, token: string): Promise<TenantUser> {
    const answer = await redeem(tenant, token)
    const cookies = [answer.headers["set-cookie"] ?? []].flat()
    const session = cookies.map((cookie) => /session_id=[^;]+/.exec(cookie)?.[0]).find(Boolean)
    if (!session || answer.status >= 400) throw new TenantSaidNo(`Sign-on answered ${answer.status}: ${answer.body}`)
    return new TenantUser(tenant, session)
  }

  async call<T>(model: string, method: string, args: readonly unknown[] = [], kwargs = {}): Promise<T> {
    const answer = await visit(`${this.tenant.url}/web/dataset/call_kw`, {
      method: "POST",
      headers: { "content-type": "application/json", cookie: this.cookie },
      body: JSON.stringify({ jsonrpc: "2.0", method: "call", id: 1, params: { model, method, args, kwargs } }),
    })
    const parsed = JSON.parse(answer.body) as {
      result?: T
      error?: { message: string; data?: { message?: string; debug?: string } }
    }
    if (parsed.error) throw new TenantSaidNo(parsed.error.data?.message ?? parsed.error.message)
    return parsed.result as T
  }

  /** Python in a server action, as any administrator may write it; `action` it sets is the answer. */
  async python<T>(code: string): Promise<T> {
    const models = await this.call<{ id: number }[]>("ir.model", "search_read", [[["model", "=", "res.partner"]]], {
      fields: ["id"],
    })
    const id = await this.call<number>("ir.actions.server", "create", [
      { name: "by hand", model_id: models[0]?.id, state: "code", code },
    ])
    return this.call<T>("ir.actions.server", "run", [[id]])
  }
}
