/** Times as the server writes them, and durations as people read them. Pure. */

/** Milliseconds since 1970 of a UTC time written by Odoo (`2026-01-31 10:00:00`) or as ISO 8601; null for none. */
export function parseUtc(text: string | false | null | undefined): number | null {
  if (!text) return null
  const iso = text.replace(" ", "T")
  const ms = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(iso) ? iso : `${iso}Z`)
  return Number.isNaN(ms) ? null : ms
}

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/** Such as `240ms`, `1.4s`, `2m 5s`, `3h 20m`, in the words of `lang` (BCP 47). */
export function formatDuration(ms: number, lang: string): string {
  const unit = (value: number, name: string, digits = 0) =>
    new Intl.NumberFormat(lang, {
      style: "unit",
      unit: name,
      unitDisplay: "narrow",
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    }).format(value)
  const rest = Math.max(0, Math.round(ms))
  if (rest < second) return unit(rest, "millisecond")
  if (rest < 9950) return unit(rest / second, "second", 1)
  const [big, small] = twoUnits(rest)
  return small.value === 0 ? unit(big.value, big.name) : `${unit(big.value, big.name)} ${unit(small.value, small.name)}`
}

/** The same for a duration that grows while somebody looks: whole seconds, so that only the last number moves. */
export function formatTicking(ms: number, lang: string): string {
  const whole = Math.floor(Math.max(0, ms) / second)
  if (whole >= 10) return formatDuration(whole * second, lang)
  return new Intl.NumberFormat(lang, { style: "unit", unit: "second", unitDisplay: "narrow" }).format(whole)
}

interface Amount {
  readonly value: number
  readonly name: string
}

function twoUnits(ms: number): readonly [Amount, Amount] {
  const seconds = Math.round(ms / second)
  const minutes = Math.floor(seconds / 60)
  const none = { value: 0, name: "second" }
  if (ms < minute && seconds < 60) return [{ value: seconds, name: "second" }, none]
  if (ms < hour)
    return [
      { value: minutes, name: "minute" },
      { value: seconds % 60, name: "second" },
    ]
  if (ms < day)
    return [
      { value: Math.floor(minutes / 60), name: "hour" },
      { value: minutes % 60, name: "minute" },
    ]
  const hours = Math.floor(minutes / 60)
  return [
    { value: Math.floor(hours / 24), name: "day" },
    { value: hours % 24, name: "hour" },
  ]
}
