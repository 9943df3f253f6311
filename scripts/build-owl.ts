/** `npm run build`: owl-src becomes the two bundles that Odoo serves. Run by `npm start` and `npm test` too. */
import { existsSync, readdirSync, rmSync, statSync } from "node:fs"
import { join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import { repo } from "./lib/paths.ts"

const dist = "addons/saas_master/static/src/dist"

/** One bundle a place: backend code inside the public pages would break them. */
const bundles = [
  { entry: "owl-src/index.ts", out: `${dist}/backend.js` },
  { entry: "owl-src/public.ts", out: `${dist}/frontend.js` },
] as const

const hootTests = "tests/owl"
const testDist = "addons/saas_master/static/tests/dist"

/** Odoo's own modules and our bundle itself (tests run against it), found by Odoo's loader when the page loads. */
const external = ["@odoo/*", "@web/*", "@mail/*", "@bus/*", "@website/*", "@web_tour/*", "@saas_master/*"]

/** One bundle a test file: Odoo's runner, HOOT, makes a suite of each. Those of a test that is gone must go, too. */
function testBundles(): { entry: string; out: string }[] {
  rmSync(join(repo, testDist), { recursive: true, force: true })
  return readdirSync(join(repo, hootTests))
    .filter((name) => name.endsWith(".hoot.ts"))
    .map((name) => ({ entry: `${hootTests}/${name}`, out: `${testDist}/${name.replace(".hoot.ts", ".test.js")}` }))
}

/** Not minified: this is what the browser's debugger shows. utf8: escapes would hide terms from translation. */
export async function buildOwl(): Promise<string[]> {
  const present = [...bundles.filter(({ entry }) => existsSync(join(repo, entry))), ...testBundles()]
  if (present.length === 0) throw new Error("owl-src has no entry point: index.ts or public.ts")
  for (const { entry, out } of present) {
    await build({
      absWorkingDir: repo,
      entryPoints: [entry],
      outfile: out,
      bundle: true,
      format: "esm",
      target: "es2022",
      charset: "utf8",
      minify: false,
      external,
      banner: { js: "/** @odoo-module */" },
      logLevel: "error",
    })
  }
  return present.map(({ out }) => out)
}

/** Builds what is missing or older than its sources: for tests that are run one by one. */
export async function ensureOwl(): Promise<void> {
  const built = bundles.map(({ out }) => changedAt(out))
  const sources = readdirSync(join(repo, "owl-src"), { recursive: true, encoding: "utf8" }).map((name) =>
    changedAt(join("owl-src", name)),
  )
  if (Math.min(...built) < Math.max(...sources)) await buildOwl()
}

function changedAt(file: string): number {
  return statSync(join(repo, file), { throwIfNoEntry: false })?.mtimeMs ?? 0
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const out of await buildOwl()) console.log(relative(process.cwd(), join(repo, out)))
}
