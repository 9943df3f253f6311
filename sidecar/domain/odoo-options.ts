/**
 * The options of an odoo.conf, written so that Odoo reads each as exactly what it was. Its parser cuts blanks off, goes
 * on to the next line, and takes some words for something else than text (odoo/tools/config.py, `_load_file_options`).
 */
import { PermanentError } from "./errors.ts"

/** Folders: in their names Odoo puts variables in place of `$…`, and it splits lists of them at commas. */
export class Folders {
  readonly paths: readonly string[]

  constructor(...paths: readonly string[]) {
    this.paths = paths
  }
}

export type OdooOptions = Readonly<Record<string, string | number | boolean | Folders>>

/** Why Odoo would read another text than this one, as the end of the sentence "It …"; null where it does not. */
export function misread(text: string): string | null {
  if (/[\p{Cc}\p{Surrogate}]/u.test(text)) return "has more than one line, or a character that cannot be printed"
  if (/^\s|\s$/.test(text)) return "has blanks around it"
  if (/^(None|False|false)$/.test(text)) return `is the word ${text}, which stands for nothing there`
  return null
}

/** Throws a `PermanentError` that names the option whose value would be another one for Odoo. */
export function renderOptions(options: OdooOptions): string {
  const lines = Object.entries(options).map(([name, value]) => `${name} = ${rendered(name, value)}`)
  return `[options]\n${lines.join("\n")}\n`
}

function rendered(name: string, value: OdooOptions[string]): string {
  if (typeof value === "boolean") return value ? "True" : "False"
  if (value instanceof Folders) return value.paths.map((path) => demanded(name, path, misreadFolder)).join(",")
  return demanded(name, String(value), misread)
}

function demanded(name: string, text: string, check: (text: string) => string | null): string {
  const why = check(text)
  if (why === null) return text
  throw new PermanentError(`Odoo would not read the option ${name} of odoo.conf as it is: it ${why}. Change it.`)
}

function misreadFolder(path: string): string | null {
  if (/[$,]|^~/.test(path)) return `is ${path}, which has a $, a comma or a ~`
  return misread(path)
}
