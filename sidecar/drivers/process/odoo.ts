/** Which Odoo runs, and how it is called. */
import { dirname, join } from "node:path"

export interface OdooPlace {
  readonly python: string
  /** Root of an unpacked package, or "". */
  readonly home: string
  /** A start script of one's own, or "". */
  readonly bin: string
}

/** The folder that `import odoo` is found in. */
export function pythonPath({ home, bin }: OdooPlace): string {
  return home ? join(home, "usr/lib/python3/dist-packages") : dirname(bin)
}

export function addonsPaths(place: OdooPlace): string[] {
  return [join(pythonPath(place), "addons")]
}

/** No variable of ours gets into a tenant's environment. */
export function odooEnvironment(place: OdooPlace, home: string): Record<string, string> {
  return {
    PATH: "/usr/local/bin:/usr/bin:/bin",
    LANG: "C.UTF-8",
    HOME: home,
    PYTHONPATH: pythonPath(place),
    PYTHONDONTWRITEBYTECODE: "1",
    PYTHONUNBUFFERED: "1",
  }
}
