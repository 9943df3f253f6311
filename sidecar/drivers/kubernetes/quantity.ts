import { PermanentError } from "../../domain/errors.ts"

const factors: Readonly<Record<string, number>> = {
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
}

/** Kubernetes writes amounts as 4, 250m or 16Gi. */
export function quantity(text: string): number {
  const [, number, unit = ""] = /^([0-9.]+)([A-Za-z]*)$/.exec(text) ?? []
  const factor = unit === "" ? 1 : factors[unit]
  if (number === undefined || factor === undefined) throw new PermanentError(`${text} is no amount of Kubernetes.`)
  return Number(number) * factor
}
