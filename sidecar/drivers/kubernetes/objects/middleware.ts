/** What Traefik adds to every answer of a tenant. */
import { type KubeObject, metadata, type Owner } from "./object.ts"

export interface Middleware extends KubeObject {
  readonly spec: { readonly headers: { readonly customResponseHeaders: Readonly<Record<string, string>> } }
}

export const headersName = "headers"

export function headersMiddleware(owner: Owner, namespace: string): Middleware {
  return {
    apiVersion: "traefik.io/v1alpha1",
    kind: "Middleware",
    metadata: metadata(owner, headersName, namespace),
    spec: {
      headers: {
        customResponseHeaders: {
          "X-Content-Type-Options": "nosniff",
          "X-Frame-Options": "SAMEORIGIN",
          "Referrer-Policy": "strict-origin-when-cross-origin",
          // Empty takes it away: nobody needs to know which version of what answers.
          Server: "",
        },
      },
    },
  }
}
