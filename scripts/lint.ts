/** `npm run lint`: the lint suite of `npm test` alone. */
import { cacheFolder } from "./lib/paths.ts"
import { lint } from "./suites/lint.ts"

const detail = (name: string) => console.log(`  ${name}`)
const { passed, failed, problems } = await lint.run({
  logs: cacheFolder(),
  detail,
  signal: new AbortController().signal,
})
for (const problem of problems) console.error(`\n${problem}`)
console.log(`\n${passed} of ${passed + failed} checks passed`)
process.exit(failed === 0 ? 0 : 1)
