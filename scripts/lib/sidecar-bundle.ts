/**
 * The sidecar as one JavaScript file. It runs for months: what translates TypeScript at its start would stay in memory
 * all that time, some 35 MB of it.
 */
import { mkdirSync, renameSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { build } from "esbuild"
import { repo } from "./paths.ts"

/** As deep in the project as `sidecar/main.ts`, which finds other files from where it is itself. */
export const sidecarBundle = join(repo, "dist", "sidecar.mjs")

/** Libraries stay in node_modules. Not minified: traces of errors are read by people. */
export async function bundleSidecar(): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: [join(repo, "sidecar", "main.ts")],
    outfile: sidecarBundle,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node20",
    charset: "utf8",
    write: false,
    logLevel: "error",
  })
  mkdirSync(dirname(sidecarBundle), { recursive: true })
  // Others may start theirs in this moment: the file is there complete or not at all.
  const draft = `${sidecarBundle}.${process.pid}`
  writeFileSync(draft, outputFiles[0]?.contents ?? "")
  renameSync(draft, sidecarBundle)
}
