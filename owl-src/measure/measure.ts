/** Quantities as people read them, in the words of `lang` (BCP 47). Pure. */

export function formatMegabytes(mb: number, lang: string): string {
  const [value, unit] =
    mb >= 1024 * 1024 ? [mb / 1024 / 1024, "terabyte"] : mb >= 1024 ? [mb / 1024, "gigabyte"] : [mb, "megabyte"]
  return new Intl.NumberFormat(lang, {
    style: "unit",
    unit,
    unitDisplay: "short",
    maximumFractionDigits: value < 10 && unit !== "megabyte" ? 1 : 0,
  }).format(value)
}

/** Thousandths of a processor core, such as 1500, as cores, such as 1.5. */
export function formatCores(milli: number, lang: string): string {
  return new Intl.NumberFormat(lang, { maximumFractionDigits: 2 }).format(milli / 1000)
}
