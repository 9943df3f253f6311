/** What the router writes for nginx, and what a page tells it later. */
import { strict as assert } from "node:assert"
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { suite } from "uvu"
import { hostsMap } from "../../sidecar/routing/hosts-map.ts"
import { languageOf, languages, type PageName, pageWords } from "../../sidecar/routing/page-words.ts"
import { inEachLanguage, pageFile, pageOf, stateOf } from "../../sidecar/routing/pages.ts"

const test = suite("files of the router")

const upstream = "127.66.0.1:8069"

test("equal hosts make an equal map, in whatever order they come", () => {
  const a = { host: "a.localhost", upstream }
  const b = { host: "b.localhost", upstream: "127.66.0.2:8069" }
  assert.equal(hostsMap([b, a]), "a.localhost 127.66.0.1:8069;\nb.localhost 127.66.0.2:8069;\n")
  assert.equal(hostsMap([a, b]), hostsMap([b, a]))
})

test("the map takes nothing that nginx would read as its own", () => {
  for (const host of ["", "*.localhost", "~.*", "a b", "a;b", "a{", "A.localhost", ".localhost", "\\default"]) {
    assert.throws(() => hostsMap([{ host, upstream }]), /is not the name of a host/, JSON.stringify(host))
  }
})

test("whatever a host is called, it is one line of the map or none", () => {
  const pieces = fc.oneof(
    fc.constantFrom("a", "Z", "0", "-", ".", "~", "*", "$host", " ", ";", "{", "}", "\\", '"', "\n", "#"),
  )
  const anything = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join("")),
  )
  fc.assert(
    fc.property(anything, (host) => {
      try {
        assert.match(hostsMap([{ host, upstream }]), /^\\?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])? 127\.66\.0\.1:8069;\n$/)
      } catch (error) {
        assert.match(String(error), /is not the name of a host/)
      }
    }),
    { numRuns: 2000 },
  )
})

test("nginx itself reads every host that there may be", () => {
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)
  const drawn = fc.sample(
    fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join(".")),
    300,
  )
  const hosts = new Set([...drawn, "default", "include", "hostnames", "volatile"])
  const folder = mkdtempSync(join(tmpdir(), "saas-map-"))
  try {
    writeFileSync(join(folder, "hosts.map"), hostsMap([...hosts].map((host) => ({ host, upstream }))))
    const sizes = "map_hash_max_size 262144; map_hash_bucket_size 512;"
    const conf = `pid ${folder}/pid; events {} http { ${sizes} map $host $to { default ""; include ${folder}/hosts.map; } }`
    writeFileSync(join(folder, "nginx.conf"), conf)
    const nginx = process.env.NGINX_BIN ?? "/usr/sbin/nginx"
    execFileSync(nginx, ["-t", "-q", "-p", folder, "-c", join(folder, "nginx.conf"), "-e", join(folder, "error.log")])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test("hosts that are called like words of nginx are hosts", () => {
  assert.equal(hostsMap([{ host: "default", upstream }]), `\\default ${upstream};\n`)
  assert.equal(hostsMap([{ host: "include", upstream }]), `\\include ${upstream};\n`)
})

test("a tenant that people reach has no page", () => {
  for (const kind of ["none", "up", "asleep"] as const) assert.equal(pageOf({ kind }), null)
})

test("a page tells the state that it was made of", () => {
  for (const kind of ["suspended", "maintenance"] as const) {
    assert.equal(pageOf({ kind }), kind)
    assert.deepEqual(stateOf(pageFile(kind)), { kind })
  }
})

test("a page that tells visitors why, as older versions made it, is made anew", () => {
  const old = `<!-- {"kind":"suspended","reason":"Unpaid"} -->\n${inEachLanguage("suspended")}`
  assert.equal(stateOf(old), null)
})

test("every page has words in every language", () => {
  for (const name of Object.keys(pageWords) as PageName[]) {
    const words = languages.map((language) => pageWords[name][language])
    assert.equal(new Set(words.map(({ title }) => title)).size, languages.length, name)
    for (const { paragraphs } of words) assert.equal(paragraphs.length, words[0]?.paragraphs.length, name)
  }
})

test("a visitor reads the first language of theirs that the pages speak", () => {
  for (const [accepted, language] of [
    ["", "en"],
    ["de-DE,de;q=0.9,en;q=0.8", "de"],
    ["pl, de-AT;q=0.7, en;q=0.3", "de"],
    ["es", "es"],
    ["en-GB,fr;q=0.5", "en"],
    ["den, nl;q=0.3", "en"],
    ["*", "en"],
  ] as const) {
    assert.equal(languageOf(accepted), language, accepted)
  }
})

test("a page of somebody else's tells nothing", () => {
  for (const text of [
    inEachLanguage("starting"),
    "",
    "<!-- {} -->\n",
    '<!-- {"kind":"up"} -->\n',
    "<!-- {broken} -->\n",
  ]) {
    assert.equal(stateOf(text), null, text.slice(0, 40))
  }
})

test.run()
