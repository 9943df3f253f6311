/** What the API server says no with, in words for the person who can do something about it. */
import { PermanentError, RetryableError } from "../../domain/errors.ts"

/** The API server's own answer; what it means depends on what was asked. */
export class Refusal extends Error {
  override readonly name = "Refusal"
  readonly code: number
  readonly reason: string

  constructor(code: number, reason: string, message: string) {
    super(message)
    this.code = code
    this.reason = reason
  }
}

export function toldOf(refusal: Refusal, what: string): Error {
  const { code, reason, message } = refusal
  // Rights and credentials are mended where they are given, and then it goes on by itself. Besides, an API server that
  // has only just started refuses everybody for a moment: it does not know its roles yet.
  if (code === 401) {
    return new RetryableError(
      `The cluster does not know us (${message}). Renew the credentials in KUBECONFIG or of the sidecar's service account.`,
    )
  }
  if (code === 403 && /exceeded quota/i.test(message)) {
    return new PermanentError(`${what} does not fit into the plan's quota: ${message}. Give the tenant a larger plan.`)
  }
  if (code === 403 && /being terminated|NamespaceTerminating/.test(`${message} ${reason}`)) {
    return new RetryableError(`${what} waits until the namespace of that name is gone: ${message}.`)
  }
  if (code === 403) {
    return new RetryableError(`The cluster does not let us: ${message}. Give that right to the account of the sidecar.`)
  }
  if (code === 404) return new PermanentError(`${what}: the cluster does not have what it takes: ${message}.`)
  if (code === 400 || code === 422) return new PermanentError(`${what} was refused by the cluster: ${message}`)
  if (/failed to allocate.*range is full/.test(message)) {
    return new RetryableError(
      `${what} gets no address: the cluster has none left for services, and each tenant takes two. Widen its network for ` +
        "services: a further ServiceCIDR object, or --service-cluster-ip-range of the API server.",
    )
  }
  return new RetryableError(`${what} did not succeed (${code}): ${message}. It is tried again.`)
}
